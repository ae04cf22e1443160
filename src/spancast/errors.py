"""What Spancast raises, and to whom.

    SpancastError            every error of ours
    └── ConfigurationError   a setting, argument or variable has a value that cannot work

Nothing here is ever raised into a call that the application makes to OpenRouter.
"""


class SpancastError(Exception):
    """The root of every error that Spancast raises."""


class ConfigurationError(SpancastError, ValueError):
    """A setting has a value that cannot work; the message names it, the value seen and the cure."""

    @classmethod
    def of(cls, setting: str, seen: object, cure: str) -> "ConfigurationError":
        """Return the error for `setting`, whose value was `seen`; `cure` is a sentence that says what to write."""
        return cls(f"{setting} cannot be {seen!r}. {cure}")
