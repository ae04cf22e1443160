"""Finds the exporter of a destination: by name, by `"module:Class"`, or as an instance.

A name is the module of a built-in exporter, else an entry point in the group `spancast.exporters`. The exporter is
called with the destination's options. The options of a dataclass are its fields; a field with the metadata
`{"variables": ("ACME_API_KEY",), "where": "It is in Acme under Settings."}` is read from the environment if it is not
given. `"unless": ("agent",)` makes it required unless one of these options is given, and `"flag": True` reads a text as
true or false. The environment is read here, so that exporters stay pure.
"""

import importlib
import inspect
import os
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass, replace
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import cast

from spancast.base.suggest import did_you_mean
from spancast.contract import Exporter, ExporterFactory, Sink
from spancast.destinations.destination import COMMON, NOT_ASCII, Destination
from spancast.destinations.options import checked
from spancast.destinations.otel_sink import as_destination
from spancast.errors import ConfigurationError

BUILT_IN = "spancast_exporters"
GROUP = "spancast.exporters"


class Unconfigured(ConfigurationError):  # noqa: N818 - a state of a destination, named as such
    """An exporter lacks what only its user's environment can give, such as a key; the message says where to get it."""


def exporter(destination: Destination) -> Exporter | Sink:
    """Return the exporter of a destination, ready for use; raise `ConfigurationError`, or `Unconfigured`."""
    wanted = destination.exporter
    options = {**destination.options, **({"endpoint": destination.endpoint} if destination.endpoint else {})}
    if not isinstance(wanted, str):
        if options:
            raise ConfigurationError(
                f"{destination.name} is an exporter instance, and takes no {', '.join(sorted(options))}. Set it on the "
                "instance."
            )
        return _with_environment(destination, wanted)
    factory = _factory(wanted, destination.where)
    made = _call(wanted, factory, {**_environment_option(destination, factory), **options})
    found = as_destination(made)
    if found is not None:
        return found
    raise ConfigurationError(
        f"{wanted!r}{_by(destination.where)} returns a {type(made).__name__}, which has neither encode() and judge() "
        'nor write(). Give "module:Class" of an exporter.'
    )


def _environment_option(destination: Destination, factory: ExporterFactory) -> dict[str, object]:
    """Return the destination's `environment` if the exporter has such an option, so that it wins over a variable."""
    is_option = destination.environment is not None and "environment" in (_settings(factory) or ())
    return {"environment": destination.environment} if is_option else {}


def _with_environment(destination: Destination, instance: Exporter | Sink) -> Exporter | Sink:
    """Return the instance, or a copy with the destination's `environment` if it has such a field."""
    if destination.environment is None or not is_dataclass(instance):
        return instance
    if "environment" not in {field.name for field in fields(instance) if field.init}:
        return instance
    try:
        return replace(instance, environment=destination.environment)
    except Exception as error:
        raise ConfigurationError(
            f"{destination.name} is an exporter instance that cannot be given another environment: {error}. Set it on "
            "the instance."
        ) from error


def exporter_name(destination: Destination) -> str:
    """Return the name of a destination's exporter."""
    wanted = destination.exporter
    return wanted if isinstance(wanted, str) else type(wanted).__name__


def known_names() -> tuple[str, ...]:
    """Return the names of all exporters that are installed."""
    return tuple(sorted({*_built_in(), *(point.name for point in entry_points(group=GROUP))}))


def _factory(wanted: str, where: str | None = None) -> ExporterFactory:
    if ":" in wanted:
        return _imported(wanted, where)
    if wanted in _built_in():
        module = importlib.import_module(f"{BUILT_IN}.{wanted}")
        return cast("ExporterFactory", getattr(module, module.__all__[0]))
    for point in entry_points(group=GROUP, name=wanted):
        try:
            return cast("ExporterFactory", point.load())
        except Exception as error:
            raise ConfigurationError(f"The exporter {wanted!r} ({point.value}) cannot be imported: {error}.") from error
    names = known_names()
    cure = f"Known: {', '.join(names)}. {did_you_mean(wanted, names)}".rstrip()
    raise ConfigurationError(f"No exporter is called {wanted!r}{_by(where).rstrip(',')}. {cure}")


def _by(where: str | None) -> str:
    """Return a phrase to follow an exporter's name that says which setting names it."""
    return f", which {where} names," if where else ""


def _built_in() -> tuple[str, ...]:
    """Return the names of the modules in the exporters' package, without importing it.

    The import system is asked, since in a zip file or a frozen program the modules have no files.
    """
    spec = find_spec(BUILT_IN)
    folders = (spec.submodule_search_locations or ()) if spec else ()
    return tuple(module.name for module in pkgutil.iter_modules(folders) if not module.name.startswith("_"))


def _imported(wanted: str, where: str | None = None) -> ExporterFactory:
    module, _, name = wanted.partition(":")
    try:
        return cast("ExporterFactory", getattr(importlib.import_module(module), name))
    except Exception as error:
        raise ConfigurationError(
            f'{wanted!r}{_by(where)} cannot be imported: {error}. Give "module:Class" that Python can import.'
        ) from error


def _call(wanted: str, factory: ExporterFactory, options: Mapping[str, object]) -> object:
    settings = _settings(factory)
    unknown = sorted(set(options) - set(settings)) if settings is not None else []
    if unknown:
        own = tuple(settings or ())
        common = [name for name in COMMON if name not in own and name != "endpoint"]  # which not every exporter has
        meant = did_you_mean(unknown[0], (*own, *common))
        known = f"It has {', '.join(own) or 'none'}; every destination has {', '.join(common)}."
        raise ConfigurationError(
            f"The exporter {wanted!r} has no option {unknown[0]!r}. {meant} {known}".replace("  ", " ")
        )
    read = _by_environment(settings or {}, options)
    given = {
        **{name: text for name, (_, text) in read.items()},
        **checked(wanted, factory, settings or {}, options),
    }
    for name, value in given.items():
        if isinstance(value, str) and value.startswith(("http://", "https://")) and not value.isascii():
            origin, kind = (read[name][0], Unconfigured) if name in read else (name, ConfigurationError)
            raise kind(f"{wanted} cannot send to the URL in {origin}. {NOT_ASCII}")
    for name, setting in (settings or {}).items():
        if setting is not None and name not in given and _is_required(setting, given):
            raise _missing(wanted, name, setting)
    try:
        return factory(**given)
    except (TypeError, ValueError) as error:
        sources = ", ".join(f"{name} from {variable}" for name, (variable, _) in read.items())
        where = f" It reads {sources}." if sources else ""
        raise ConfigurationError(f"The exporter {wanted!r} does not accept these options: {error}{where}") from error


def _settings(factory: Callable[..., object]) -> dict[str, Field[object] | None] | None:
    """Return an exporter's options by name, with their fields if it is a dataclass; `None` if it takes any option."""
    if isinstance(factory, type) and is_dataclass(factory):
        return {field.name: field for field in fields(factory) if field.init}
    parameters = inspect.signature(factory).parameters.values()
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters):
        return None
    return {parameter.name: None for parameter in parameters}


def _by_environment(
    settings: Mapping[str, Field[object] | None], options: Mapping[str, object]
) -> dict[str, tuple[str, str]]:
    """Return the variable and its text for each option that is read from the environment."""
    found = {}
    for name, setting in settings.items():
        variables = setting.metadata.get("variables", ()) if setting is not None and name not in options else ()
        first = next((variable for variable in variables if os.environ.get(variable, "").strip()), None)
        if first is not None:
            found[name] = first, os.environ[first].strip()
    return found


def _is_required(setting: Field[object], given: Mapping[str, object]) -> bool:
    instead = setting.metadata.get("unless")
    if instead is not None:
        return not any(given.get(name) for name in instead)
    return setting.default is setting.default_factory is MISSING


def _missing(wanted: str, name: str, setting: Field[object]) -> ConfigurationError:
    variables = setting.metadata.get("variables", ())
    cure = f"Set {' or '.join(variables)}, or give {name}=." if variables else f"Give {name}=."
    where = setting.metadata.get("where", "")
    kind = Unconfigured if variables else ConfigurationError
    return kind(f"{wanted} has no {name}. {cure} {where}".rstrip())
