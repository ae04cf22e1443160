"""The tables of `ledger.db`, and the views for users and their tools.

A call is one narrow row of `entries`. What many calls have in common is stored once: models, providers, outcomes and
the like in `kinds`; users, sessions, tags and settings in `texts`. The views `calls` and `calls_usd` join them again;
they are what a user's own SQL should read.

`kinds_daily`, `users_daily`, `users_monthly` and `latencies` are sums that are updated in the same transactions as the
entries, and outlive them.
"""

from spancast import early_facts

CARRY = 2**62
"""Pico-dollars that one unit of `carry` stands for, so that no sum leaves 64 bits."""

TOKENS = ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens")
"""The token counts that are summed."""

COUNTS = ("calls", "errors", "priced", "refused", "estimated")
"""Numbers of calls: all, failed, with a known cost, refused, with an estimated cost."""

STATING = tuple(f"{name}_stated" for name in TOKENS)
"""Numbers of calls that state each token count."""

SUMS = (*COUNTS, *STATING, *TOKENS, "cost", "carry")
"""The columns of the sums. The sum in pico-dollars is `carry * CARRY + cost`."""

_SUMS = ", ".join(f"{name} INTEGER NOT NULL" for name in SUMS)


def _hex(column: str) -> str:
    return f"iif(typeof({column}) = 'blob', lower(hex({column})), {column})"


def _dollars(pico: str, stated: str = "NULL") -> str:
    """Return the SQL of an amount as text: `stated` where it is not NULL, else `pico` without trailing zeros."""
    unit = 10**12
    digits = f"printf('%s%d.%012d', iif({pico} < 0, '-', ''), abs({pico}) / {unit}, abs({pico}) % {unit})"
    return f"coalesce({stated}, iif({pico} IS NULL, NULL, rtrim(rtrim({digits}, '0'), '.')))"


_UPSTREAM = "(upstream_cost + coalesce(cost, 0))"
_UPSTREAM_OUTPUT = f"(upstream_output_cost + coalesce({_UPSTREAM}, 0) - upstream_input_cost)"

MIGRATIONS = (
    f"""
    CREATE TABLE texts(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
    CREATE TABLE kinds(
        id INTEGER PRIMARY KEY,
        whole TEXT NOT NULL UNIQUE, -- all that follows, as a JSON array
        operation TEXT NOT NULL,
        outcome TEXT NOT NULL,
        server_address TEXT,
        server_port INTEGER,
        http_status INTEGER,
        error_type TEXT,
        streamed INTEGER NOT NULL,
        request_model TEXT,
        request_models TEXT NOT NULL, -- a JSON array
        response_model TEXT,
        provider TEXT,
        finish_reason TEXT,
        native_finish_reason TEXT,
        is_byok INTEGER,
        cost_source TEXT,
        app TEXT,
        key_hash TEXT,
        sampled INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE entries(
        seq INTEGER PRIMARY KEY,
        call_id ANY NOT NULL UNIQUE, -- this id and the others: bytes where it is hexadecimal, else text
        kind INTEGER NOT NULL, -- of kinds
        started_at INTEGER NOT NULL, -- nanoseconds
        duration INTEGER, -- nanoseconds
        time_to_headers INTEGER,
        time_to_first_token INTEGER,
        input_tokens INTEGER,
        output_tokens INTEGER,
        total_tokens INTEGER, -- beyond the sum of those two
        cached_tokens INTEGER,
        cache_write_tokens INTEGER,
        reasoning_tokens INTEGER,
        cost INTEGER, -- pico-dollars
        cost_text TEXT, -- as stated, where the pico-dollars do not say it to the digit
        upstream_cost INTEGER, -- beyond the cost
        upstream_cost_text TEXT,
        upstream_input_cost INTEGER,
        upstream_output_cost INTEGER, -- both parts, beyond the upstream cost
        output_chunks INTEGER,
        user INTEGER, -- of texts
        session INTEGER, -- of texts
        tags INTEGER, -- of texts, a JSON object
        setting INTEGER, -- of texts, a JSON object
        generation_id TEXT,
        response_id ANY, -- 1 where it is the generation_id
        error_message TEXT,
        more TEXT, -- a JSON object of what is stated besides
        trace_id ANY,
        span_id ANY,
        parent_span_id ANY,
        awaits_cost INTEGER, -- 1 where OpenRouter has not stated the cost
        job INTEGER, -- 1 for what is billed when it is done
        outsize INTEGER -- 1 where a number is too large for the sums, or the cost below zero
    ) STRICT;
    CREATE INDEX entries_by_time ON entries(started_at);
    CREATE INDEX entries_by_user ON entries(user, started_at) WHERE user IS NOT NULL;
    CREATE INDEX entries_by_session ON entries(session) WHERE session IS NOT NULL;
    CREATE INDEX entries_by_job ON entries(response_id) WHERE job;
    CREATE INDEX entries_awaiting_cost ON entries(started_at) WHERE awaits_cost;
    CREATE INDEX entries_outsize ON entries(started_at) WHERE outsize;

    CREATE VIEW calls AS SELECT
        entries.seq, {_hex("call_id")} AS call_id, operation, started_at, outcome, server_address, server_port,
        http_status, error_type, error_message, duration, time_to_headers, time_to_first_token, streamed,
        request_model, request_models, generation_id, iif(response_id = 1, generation_id, response_id) AS response_id,
        response_model, provider, finish_reason, native_finish_reason, input_tokens, output_tokens,
        total_tokens + coalesce(input_tokens + output_tokens, 0) AS total_tokens,
        cached_tokens, cache_write_tokens, reasoning_tokens, cost, {_dollars("cost", "cost_text")} AS cost_text,
        {_UPSTREAM} AS upstream_cost, {_dollars(_UPSTREAM, "upstream_cost_text")} AS upstream_cost_text,
        {_dollars("upstream_input_cost")} AS upstream_input_cost_text,
        {_dollars(_UPSTREAM_OUTPUT)} AS upstream_output_cost_text, output_chunks, is_byok, cost_source,
        users.text AS user,
        sessions.text AS session, coalesce(tagged.text, '{{}}') AS tags, app, key_hash,
        json_patch(coalesce(settings.text, '{{}}'), coalesce(more, '{{}}')) AS more,
        {_hex("trace_id")} AS trace_id, {_hex("span_id")} AS span_id, {_hex("parent_span_id")} AS parent_span_id,
        sampled, awaits_cost
    FROM entries JOIN kinds ON kinds.id = entries.kind
    LEFT JOIN texts AS users ON users.id = entries.user
    LEFT JOIN texts AS sessions ON sessions.id = entries.session
    LEFT JOIN texts AS tagged ON tagged.id = entries.tags
    LEFT JOIN texts AS settings ON settings.id = entries.setting;
    CREATE VIEW calls_usd AS SELECT
        *, CAST(cost_text AS REAL) AS cost_usd, CAST(upstream_cost_text AS REAL) AS upstream_cost_usd,
        strftime('%Y-%m-%dT%H:%M:%fZ', started_at / 1e9, 'unixepoch') AS started, duration / 1e9 AS duration_s
    FROM calls;

    CREATE TABLE kinds_daily(
        day INTEGER, kind INTEGER, {_SUMS}, PRIMARY KEY(day, kind)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE users_daily(
        day INTEGER, user INTEGER, -- 0 for none
        {_SUMS}, PRIMARY KEY(day, user)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE users_monthly(
        month INTEGER, -- months since the year 0
        user INTEGER, {_SUMS}, PRIMARY KEY(month, user)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX users_monthly_by_cost ON users_monthly(month, cost);
    CREATE TABLE latencies(
        measure INTEGER, route INTEGER, -- of texts, a JSON array: operation, model, provider
        bucket INTEGER, day INTEGER, calls INTEGER NOT NULL, PRIMARY KEY(measure, route, bucket, day)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE lookups(
        call_id TEXT PRIMARY KEY,
        misses INTEGER NOT NULL,
        next_at INTEGER NOT NULL, -- nanoseconds
        given_up TEXT -- why; NULL while it is tried
    ) STRICT;
    {early_facts.TABLE};
    {early_facts.INDEX};
    CREATE TABLE adjustments(
        seq INTEGER PRIMARY KEY,
        at INTEGER NOT NULL, -- nanoseconds, when it was noted
        kind TEXT NOT NULL, -- different, theirs_only, ours_only
        call_id TEXT, -- the ledger's call; NULL where it has none
        generation_id TEXT,
        billed_at INTEGER, -- nanoseconds; NULL is unknown
        cost INTEGER, -- pico-dollars to be added to the ledger; NULL beyond 64 bits
        cost_text TEXT NOT NULL, -- the same, every digit
        byok_text TEXT NOT NULL, -- dollars to be added to what providers took with the account's own keys
        booked_text TEXT, -- what the ledger had of the credits; NULL is unknown
        billed_text TEXT NOT NULL, -- what OpenRouter billed to the credits
        model TEXT,
        provider TEXT,
        app TEXT,
        key TEXT, -- the API key's name
        user TEXT
    ) STRICT;
    CREATE TABLE in_flight(call_id TEXT PRIMARY KEY, writer TEXT NOT NULL, payload BLOB NOT NULL) STRICT;
    CREATE TABLE segments(name TEXT PRIMARY KEY, end INTEGER NOT NULL) STRICT;
    CREATE TABLE damage(segment TEXT, at INTEGER, what TEXT NOT NULL, PRIMARY KEY(segment, at)) STRICT;
    CREATE TABLE lost(writer TEXT, reason TEXT, count INTEGER NOT NULL, PRIMARY KEY(writer, reason)) STRICT;
    CREATE TABLE lost_cost(writer TEXT PRIMARY KEY, cost_text TEXT NOT NULL) STRICT;
    CREATE TABLE kept(since_day INTEGER NOT NULL) STRICT; -- one row once older entries were pruned
    """,  # noqa: S608 - made of the names above
)
"""The versions of the ledger."""
