"""Every setting once: its name, its variable, how its text is read, and what it is without one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

from spancast.base.importing import function
from spancast.destinations import keys
from spancast.destinations.configured import destinations, flag
from spancast.settings import defaults, reading
from spancast.settings.settings import Backfill, Delivery, Durability, MetricNames


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table: `read` turns what was written into the value, or raises `ConfigurationError`."""

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
        keys.named,
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
        function,
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
        "Whether the user is an attribute of the metrics: a time series for each.",
    ),
    Setting(
        "link_broadcast",
        "SPANCAST_LINK_BROADCAST",
        flag,
        lambda: False,
        "Whether requests name their span in `trace`, so that OpenRouter's Broadcast nests its spans under it.",
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
        "Entries of W3C baggage that are tags, beside `user.id` and `session.id`, which are the user and the session.",
    ),
    Setting(
        "forward_user",
        "SPANCAST_FORWARD_USER",
        flag,
        lambda: False,
        "Whether requests tell OpenRouter the user where the application does not.",
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
        "Whether costs that no answer stated are asked for with the calls' own keys: `off`, `caller-key`.",
    ),
    Setting(
        "backfill_key",
        "SPANCAST_BACKFILL_KEY",
        reading.api_key,
        lambda: None,
        "A key of OpenRouter's to ask with for all costs that no answer stated.",
    ),
    Setting(
        "estimate",
        "SPANCAST_ESTIMATE",
        flag,
        lambda: False,
        "Whether a cost that is not stated is estimated by OpenRouter's list of prices.",
    ),
    Setting(
        "durability",
        "SPANCAST_DURABILITY",
        reading.one_of(get_args(Durability)),
        lambda: "process",
        "What a finished call survives: `process` (its death), `power` (its loss), `memory` (neither).",
    ),
    Setting(
        "delivery",
        "SPANCAST_DELIVERY",
        reading.one_of(get_args(Delivery)),
        lambda: "process",
        "Who sends: `process`, or `external` for `spancast deliver` alone.",
    ),
    Setting(
        "outbox_size",
        "SPANCAST_OUTBOX_SIZE",
        reading.size,
        lambda: 1_000_000_000,
        "How much is kept on disk for destinations at most: bytes, or `500MB`, `2GB`.",
    ),
    Setting(
        "outbox_age",
        "SPANCAST_OUTBOX_AGE",
        reading.wait,
        lambda: 30 * reading.UNITS["d"],
        "How long a call waits for a destination at most: `12h`, `30d`.",
    ),
    Setting(
        "retention",
        "SPANCAST_RETENTION",
        reading.seconds,
        lambda: 7 * reading.UNITS["d"],
        "How long a call that no destination waits for any more is kept, for `spancast replay`: `12h`, `7d`.",
    ),
    Setting(
        "ledger_retention",
        "SPANCAST_LEDGER_RETENTION",
        reading.days,
        lambda: None,
        "How long the ledger keeps single calls, whose sums stay: `90d`, `52w`.",
    ),
    Setting("enabled", "SPANCAST_ENABLED", flag, defaults.enabled, "Whether anything is instrumented at all."),
)
"""The table of settings; `docs/settings.md` is compared with it."""
