"""From what a destination's owner wrote to the exporter: a name, `"module:Class"`, or an instance.

A name is the module of a built-in exporter, else an entry point in the group `spancast.exporters`. What is found is
called with the destination's options; a dataclass's fields are its options, and a field whose metadata says
`{"variables": ("ACME_API_KEY",), "where": "It is in Acme under Settings."}` is read from the environment when it is not
given. `"unless": ("agent",)` says that it must be given unless one of these options is, `"flag": True` that a text for
it means true or false. The environment is read here so that an exporter can stay pure.
"""

import difflib
import importlib
import inspect
import os
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass, replace
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import cast

from spancast.contract import Exporter, ExporterFactory, Sink
from spancast.destinations.destination import Destination
from spancast.destinations.options import checked
from spancast.destinations.otel_sink import as_destination
from spancast.errors import ConfigurationError

BUILT_IN = "spancast_exporters"
GROUP = "spancast.exporters"


class Unconfigured(ConfigurationError):  # noqa: N818 - a state of a destination, named as such
    """An exporter lacks something that only its owner has, such as a key; the message says where to get it."""


def exporter(destination: Destination) -> Exporter | Sink:
    """Return the exporter of a destination, ready for use; raise `ConfigurationError`, or `Unconfigured`."""
    wanted = destination.exporter
    options = {**destination.options, **({"endpoint": destination.endpoint} if destination.endpoint else {})}
    if not isinstance(wanted, str):
        if options:
            raise ConfigurationError(
                f"{destination.name} is given {', '.join(sorted(options))} beside an instance. Give it to the instance."
            )
        return _told_where(destination, wanted)
    factory = _factory(wanted, destination.where)
    made = _called(wanted, factory, {**_told(destination, factory), **options})
    found = as_destination(made)
    if found is not None:
        return found
    raise ConfigurationError(
        f"{wanted!r}{_by(destination.where)} makes a {type(made).__name__}, which has neither encode() and judge() nor "
        'write(). Give "module:Class" of an exporter.'
    )


def _told(destination: Destination, factory: ExporterFactory) -> dict[str, object]:
    """Return the destination's own wish that its exporter has an option for, too: it wins over a variable then."""
    wished = destination.environment is not None and "environment" in (_settings(factory) or ())
    return {"environment": destination.environment} if wished else {}


def _told_where(destination: Destination, instance: Exporter | Sink) -> Exporter | Sink:
    """Return an instance that has the destination's own wish in place of its own, where it has an option for it."""
    if destination.environment is None or not is_dataclass(instance):
        return instance
    if "environment" not in {field.name for field in fields(instance) if field.init}:
        return instance
    try:
        return replace(instance, environment=destination.environment)
    except Exception as error:
        raise ConfigurationError(
            f"{destination.name} is given environment beside an instance that does not take it: {error}. "
            "Give it to the instance alone."
        ) from error


def exporter_name(destination: Destination) -> str:
    """Return what the exporter of a destination is called."""
    wanted = destination.exporter
    return wanted if isinstance(wanted, str) else type(wanted).__name__


def known() -> tuple[str, ...]:
    """Return the names that stand for an exporter here."""
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
    names = known()
    near = difflib.get_close_matches(wanted, names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ConfigurationError(
        f"No exporter is called {wanted!r}{_by(where).rstrip(',')}. Known: {', '.join(names)}.{hint}"
    )


def _by(where: str | None) -> str:
    """Return which setting named it, in words that follow the name."""
    return f", which {where} names," if where else ""


def _built_in() -> tuple[str, ...]:
    """Return the names of the modules in the package of the exporters, which is not imported for that.

    They are asked of whoever imports them: in a zip file or a frozen program there are no files of theirs.
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
            f'{wanted!r}{_by(where)} cannot be imported: {error}. Give "module:Class", from a module that Python finds.'
        ) from error


def _called(wanted: str, factory: ExporterFactory, options: Mapping[str, object]) -> object:
    settings = _settings(factory)
    unknown = sorted(set(options) - set(settings)) if settings is not None else []
    if unknown:
        raise ConfigurationError(
            f"The exporter {wanted!r} has no option {unknown[0]!r}. It has {', '.join(settings or ()) or 'none'}."
        )
    read = _by_environment(settings or {}, options)
    given = {
        **{name: text for name, (_, text) in read.items()},
        **checked(wanted, factory, settings or {}, options),
    }
    for name, setting in (settings or {}).items():
        if setting is not None and name not in given and _is_needed(setting, given):
            raise _missing(wanted, name, setting)
    try:
        return factory(**given)
    except (TypeError, ValueError) as error:
        told = ", ".join(f"{name} from {variable}" for name, (variable, _) in read.items())
        where = f" It reads {told}." if told else ""
        raise ConfigurationError(f"The exporter {wanted!r} does not take these options: {error}{where}") from error


def _settings(factory: Callable[..., object]) -> dict[str, Field[object] | None] | None:
    """Return the options by name, with their fields when it is a dataclass; `None` when it takes any."""
    if isinstance(factory, type) and is_dataclass(factory):
        return {field.name: field for field in fields(factory) if field.init}
    parameters = inspect.signature(factory).parameters.values()
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters):
        return None
    return {parameter.name: None for parameter in parameters}


def _by_environment(
    settings: Mapping[str, Field[object] | None], options: Mapping[str, object]
) -> dict[str, tuple[str, str]]:
    """Return the variable and its text, by the option that is read from it."""
    found = {}
    for name, setting in settings.items():
        variables = setting.metadata.get("variables", ()) if setting is not None and name not in options else ()
        first = next((variable for variable in variables if os.environ.get(variable, "").strip()), None)
        if first is not None:
            found[name] = first, os.environ[first].strip()
    return found


def _is_needed(setting: Field[object], given: Mapping[str, object]) -> bool:
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
