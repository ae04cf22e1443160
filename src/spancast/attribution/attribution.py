"""The user, session and tags of a call."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Attribution:
    """The user, session and tags of a call; `None` is unknown."""

    user: str | None = None
    session: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    def with_defaults(self, defaults: "Attribution") -> "Attribution":
        """Return this attribution with what is unknown taken from `defaults`; tags are merged."""
        return Attribution(
            self.user if self.user is not None else defaults.user,
            self.session if self.session is not None else defaults.session,
            MappingProxyType({**defaults.tags, **self.tags}),
        )


UNKNOWN = Attribution()


class Pseudonym(str):
    """A user that is pseudonymised already, for instance by another process."""

    __slots__ = ()
