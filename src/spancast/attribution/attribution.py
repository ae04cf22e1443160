"""Whom a call is for, and what it is marked with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Attribution:
    """The user, the session and the tags of a call; `None` is unknown."""

    user: str | None = None
    session: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    def inside(self, outer: "Attribution") -> "Attribution":
        """Return this with what it leaves open taken from `outer`; tags are merged."""
        return Attribution(
            self.user if self.user is not None else outer.user,
            self.session if self.session is not None else outer.session,
            MappingProxyType({**outer.tags, **self.tags}),
        )


NOBODY = Attribution()


class Pseudonym(str):
    """A user who is pseudonymised already, in another process, say."""

    __slots__ = ()
