"""Who else sends an application's calls to a destination's platform: they would be there twice.

It is seen from outside, by the environment and what is installed: an exporter says what to look for (`NotAlone`).
"""

import os
from collections.abc import Iterator, Sequence
from importlib import metadata
from urllib.parse import urlsplit

from spancast.contract import Another, NotAlone
from spancast.destinations.destination import Destination
from spancast.destinations.discover import exporter_name

_OTLP = ("opentelemetry-exporter-otlp-proto-http", "opentelemetry-exporter-otlp-proto-grpc")
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_COLLECTOR = (4317, 4318)
"""Where one collector listens for gRPC and for HTTP (OTLP specification)."""


def of(destination: Destination, exporter: object) -> Iterator[str]:
    """Return a sentence or two for each of them: who it is, by what it was seen, and what to do."""
    name = exporter_name(destination)
    if name in _exporters():
        yield (
            f"OTEL_TRACES_EXPORTER names {name}, too, which is Spancast's own exporter: calls are sent by both. "
            "Leave it out there, or leave out the destination."
        )
    for each in exporter.also_sent_by if isinstance(exporter, NotAlone) else ():
        seen = _seen(each)
        if seen:
            yield f"{each.who} may send the same calls there ({', '.join(seen)}). {each.cure}"


def _seen(other: Another) -> list[str]:
    """Return by what it is seen; nothing where it is not."""
    if any(_is_set(name, values) for name, values in other.unless.items()):
        return []
    if not all(_is_set(name, values) for name, values in other.variables.items()):
        return []
    if other.otlp is not None:
        return _by_otlp(other.otlp)
    installed = _installed(other.packages)
    return [installed, *map(_shown, other.variables.items())] if installed else []


def _by_otlp(url: str) -> list[str]:
    name = next((name for name in _ENDPOINTS if os.environ.get(name, "").strip()), None)
    installed = _installed(_OTLP)
    if name is None or installed is None or _is_set("OTEL_SDK_DISABLED", ("true",)):
        return []
    if not any(exporter.startswith("otlp") for exporter in _exporters() or ["otlp"]):
        return []
    return [installed, f"{name} is there"] if _is_one(os.environ[name].strip(), url) else []


def _is_one(url: str, other: str) -> bool:
    """Whether two URLs are of one receiver."""
    (host, port), (its_host, its_port) = map(_place, (url, other))
    return host == its_host and (port == its_port or (port in _COLLECTOR and its_port in _COLLECTOR))


def _place(url: str) -> tuple[str | None, int | None]:
    parts = urlsplit(url if "://" in url else f"//{url}")
    try:
        return parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None, None


def _exporters() -> list[str]:
    return [each.strip() for each in os.environ.get("OTEL_TRACES_EXPORTER", "").split(",") if each.strip()]


def _is_set(name: str, values: Sequence[str]) -> bool:
    stated = os.environ.get(name, "").strip().lower()
    return stated in values if values else bool(stated)


def _shown(variable: tuple[str, Sequence[str]]) -> str:
    """Return a variable as it may be printed: what may be anything may be a key."""
    name, values = variable
    return f"{name}={os.environ[name].strip()}" if values else f"{name} is set"


def _installed(packages: Sequence[str]) -> str | None:
    for name in packages:
        try:
            return f"{name} {metadata.version(name)}"
        except metadata.PackageNotFoundError:
            continue
    return None
