"""Other software that sends the same calls to a destination's platform, which would then have them twice.

It is detected by environment variables and installed packages; an exporter states which (`AlsoSentBy`).
"""

import os
from collections.abc import Iterator, Sequence
from importlib import metadata
from urllib.parse import urlsplit

from spancast.contract import AlsoSentBy, OtherSender
from spancast.destinations.destination import Destination
from spancast.destinations.discover import exporter_name

_OTLP = ("opentelemetry-exporter-otlp-proto-http", "opentelemetry-exporter-otlp-proto-grpc")
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_COLLECTOR = (4317, 4318)
"""The ports of one collector, for gRPC and for HTTP (OTLP specification)."""


def sentences(destination: Destination, exporter: object) -> Iterator[str]:
    """Yield, for each other sender, its name, how it was detected, and what to do."""
    name = exporter_name(destination)
    if name in _exporters():
        yield (
            f"OTEL_TRACES_EXPORTER also names {name}, which is Spancast's own exporter: calls are sent by both. "
            "Leave it out there, or leave out the destination."
        )
    for each in exporter.also_sent_by if isinstance(exporter, AlsoSentBy) else ():
        signs = _signs(each)
        if signs:
            yield f"{each.name} may send the same calls there ({', '.join(signs)}). {each.cure}"


def _signs(other: OtherSender) -> list[str]:
    """Return the signs that it is in use; none if it is not."""
    if any(_is_set(name, values) for name, values in other.unless.items()):
        return []
    if not all(_is_set(name, values) for name, values in other.variables.items()):
        return []
    if other.otlp is not None:
        return _signs_of_otlp(other.otlp)
    installed = _installed(other.packages)
    return [installed, *map(_shown, other.variables.items())] if installed else []


def _signs_of_otlp(url: str) -> list[str]:
    name = next((name for name in _ENDPOINTS if os.environ.get(name, "").strip()), None)
    installed = _installed(_OTLP)
    if name is None or installed is None or _is_set("OTEL_SDK_DISABLED", ("true",)):
        return []
    if not any(exporter.startswith("otlp") for exporter in _exporters() or ["otlp"]):
        return []
    return [installed, f"{name} points there"] if _same_receiver(os.environ[name].strip(), url) else []


def _same_receiver(url: str, other: str) -> bool:
    """Return whether two URLs are of one receiver."""
    (host, port), (other_host, other_port) = map(_host_and_port, (url, other))
    return host == other_host and (port == other_port or (port in _COLLECTOR and other_port in _COLLECTOR))


def _host_and_port(url: str) -> tuple[str | None, int | None]:
    parts = urlsplit(url if "://" in url else f"//{url}")
    try:
        return parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None, None


def _exporters() -> list[str]:
    return [each.strip() for each in os.environ.get("OTEL_TRACES_EXPORTER", "").split(",") if each.strip()]


def _is_set(name: str, values: Sequence[str]) -> bool:
    current = os.environ.get(name, "").strip().lower()
    return current in values if values else bool(current)


def _shown(variable: tuple[str, Sequence[str]]) -> str:
    """Return a variable as it may be printed: a value that is not one of a list may be a key."""
    name, values = variable
    return f"{name}={os.environ[name].strip()}" if values else f"{name} is set"


def _installed(packages: Sequence[str]) -> str | None:
    for name in packages:
        try:
            return f"{name} {metadata.version(name)}"
        except metadata.PackageNotFoundError:
            continue
    return None
