"""The exceptions that Spancast raises.

    SpancastError            the base class
    └── ConfigurationError   a setting, argument or variable has a value that cannot work

None of them is ever raised into a call that the application makes to OpenRouter.
"""


class SpancastError(Exception):
    """The base class of every exception that Spancast raises."""


class ConfigurationError(SpancastError, ValueError):
    """A setting has a value that cannot work; the message names the setting, the value and the cure."""

    @classmethod
    def of(cls, setting: str, value: object, cure: str) -> "ConfigurationError":
        """Return the error for the value of a setting; `cure` is a sentence that says what to write instead."""
        return cls(f"{setting} cannot be {value!r}. {cure}")
