"""All settings, each with its name, variable, parser, default and meaning."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

from spancast.base.importing import import_plain_function
from spancast.destinations import keys
from spancast.destinations.configured import destinations, flag
from spancast.settings import defaults, reading
from spancast.settings.settings import Backfill, Delivery, Durability, MetricNames


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. `read` parses a value, or raises `ConfigurationError`."""

    name: str
    variable: str
    read: Callable[[str, object], object]
    default: Callable[[], object]
    meaning: str


SETTINGS = (
    Setting("destinations", "SPANCAST_DESTINATIONS", destinations, tuple, "Where spans are sent, by name."),
    Setting(
        "keys",
        "SPANCAST_KEYS",
        keys.parse_names,
        dict,
        "Names for API keys, by the SHA-256 of each: a table, or `web=01ab...,batch=23cd...`.",
    ),
    Setting("home", "SPANCAST_HOME", reading.home, defaults.home, "The directory of the journal and the ledger."),
    Setting(
        "hosts",
        "SPANCAST_HOSTS",
        reading.hosts,
        tuple,
        "Further hosts that speak OpenRouter: `host`, `host:port`, URL prefix.",
    ),
    Setting(
        "capture_content",
        "SPANCAST_CAPTURE_CONTENT",
        reading.content_mode,
        defaults.content,
        "Whether prompts and completions are kept: `true` or `span_only`, `event_only`, `span_and_event`, `false`.",
    ),
    Setting(
        "redact",
        "SPANCAST_REDACT",
        import_plain_function,
        lambda: None,
        "Called with each text of a prompt or completion before it is kept: a function, or `module:function`.",
    ),
    Setting(
        "emit_event",
        "SPANCAST_EMIT_EVENT",
        flag,
        defaults.event,
        "Whether each call is a log record too (`gen_ai.client.inference.operation.details`).",
    ),
    Setting(
        "metrics",
        "SPANCAST_METRICS",
        reading.one_of((*get_args(MetricNames),)),
        lambda: "latest",
        "Which names the metrics have: `latest`, `1.44` (which most backends know), or `off` for none.",
    ),
    Setting(
        "user_metrics",
        "SPANCAST_USER_METRICS",
        flag,
        lambda: False,
        "Whether the user is an attribute of the metrics: one time series per user.",
    ),
    Setting(
        "link_broadcast",
        "SPANCAST_LINK_BROADCAST",
        flag,
        lambda: False,
        "Whether requests name their span in `trace`, so that OpenRouter's Broadcast nests its spans below it.",
    ),
    Setting(
        "default_user", "SPANCAST_DEFAULT_USER", reading.name, lambda: None, "The user of a call that states none."
    ),
    Setting(
        "default_session",
        "SPANCAST_DEFAULT_SESSION",
        reading.name,
        lambda: None,
        "The session of a call that states none.",
    ),
    Setting(
        "default_tags",
        "SPANCAST_DEFAULT_TAGS",
        reading.tags,
        dict,
        "Tags of every call, unless it states others of the same names: a table, or `team=blue,region=eu`.",
    ),
    Setting(
        "baggage_keys",
        "SPANCAST_BAGGAGE_KEYS",
        reading.entries,
        tuple,
        "W3C baggage entries that become tags; `user.id` and `session.id` are always the user and the session.",
    ),
    Setting(
        "forward_user",
        "SPANCAST_FORWARD_USER",
        flag,
        lambda: False,
        "Whether requests state the user to OpenRouter if the application does not.",
    ),
    Setting(
        "user_hash",
        "SPANCAST_USER_HASH",
        reading.user_hash,
        lambda: None,
        "Pseudonymises users before anything is written: `hmac:` and a key, for HMAC-SHA256.",
    ),
    Setting(
        "backfill",
        "SPANCAST_BACKFILL",
        reading.one_of(get_args(Backfill)),
        lambda: "off",
        "Whether costs that no response stated are looked up with the calls' own API keys: `off`, `caller-key`.",
    ),
    Setting(
        "backfill_key",
        "SPANCAST_BACKFILL_KEY",
        reading.api_key,
        lambda: None,
        "An OpenRouter API key for looking up all costs that no response stated.",
    ),
    Setting(
        "estimate",
        "SPANCAST_ESTIMATE",
        flag,
        lambda: False,
        "Whether a cost that is not stated is estimated from OpenRouter's price list.",
    ),
    Setting(
        "durability",
        "SPANCAST_DURABILITY",
        reading.one_of(get_args(Durability)),
        lambda: "process",
        "What a finished call survives: the death of the `process`, a loss of `power`, or with `memory` neither.",
    ),
    Setting(
        "delivery",
        "SPANCAST_DELIVERY",
        reading.one_of(get_args(Delivery)),
        lambda: "process",
        "Who sends to destinations: this `process`, or with `external` only `spancast deliver`.",
    ),
    Setting(
        "outbox_size",
        "SPANCAST_OUTBOX_SIZE",
        reading.size,
        lambda: 1_000_000_000,
        "How much is kept on disk for destinations: a number of bytes, or `500MB`, `2GB`.",
    ),
    Setting(
        "outbox_age",
        "SPANCAST_OUTBOX_AGE",
        reading.wait,
        lambda: 30 * reading.UNITS["d"],
        "How long a call may wait for a destination: `12h`, `30d`.",
    ),
    Setting(
        "retention",
        "SPANCAST_RETENTION",
        reading.seconds,
        lambda: 7 * reading.UNITS["d"],
        "How long a call is kept for `spancast replay` when no destination waits for it any more: `12h`, `7d`.",
    ),
    Setting(
        "ledger_retention",
        "SPANCAST_LEDGER_RETENTION",
        reading.days,
        lambda: None,
        "How long the ledger keeps single calls; their sums stay: `90d`, `52w`.",
    ),
    Setting("enabled", "SPANCAST_ENABLED", flag, defaults.enabled, "Whether anything is instrumented at all."),
)
"""The table of settings; a test compares `docs/settings.md` with it."""
