"""How much the outbox keeps, and for how long."""

from dataclasses import dataclass

from spancast.settings.settings import Settings


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits, as the settings have them."""

    size: int
    """Bytes on disk at most; beyond them `cap` sheds."""
    age: float
    """Seconds for which a record waits for a destination at most."""
    retention: float
    """Seconds for which a record is kept that no destination waits for any more."""

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """Return those of the settings."""
        return cls(settings.outbox_size, settings.outbox_age, settings.retention)
