"""How much the outbox keeps, and for how long."""

from dataclasses import dataclass

from spancast.settings.settings import Settings


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of the settings."""

    size: int
    """Bytes on disk; above this, `cap` sheds."""
    age: float
    """Seconds that a record waits for a destination."""
    retention: float
    """Seconds that a record is kept when no destination waits for it."""

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """Return the limits that the settings state."""
        return cls(settings.outbox_size, settings.outbox_age, settings.retention)
