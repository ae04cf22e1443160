"""A ledger of any size, quickly: some thousand calls booked as always, and copied with other times, users and ids."""

import csv
import math
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path

from spancast.bookkeeping import upkeep
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.entry import Entry
from spancast.bookkeeping.rollups import DAY
from spancast.records.call import Call, Parameters

DAYS, USERS, MODELS, PROVIDERS = 90, 100_000, 40, 12
START = 20_700 * DAY
BOOKED = 20_000
CALLS_OF_A_SESSION = 5
COLUMNS = ("started_at", "user", "session", "model", "provider", "input", "output", "cost", "duration")


def someone(chance: random.Random) -> int:
    """Return a user from 1 on, the nth with a share of 1/n."""
    return int(math.exp(chance.random() * math.log(USERS + 1)))


def a_call(chance: random.Random, started_at: int) -> Call:
    """Return a call of the usual sort."""
    model = int(MODELS * chance.random() ** 2)
    name = f"vendor{model % 8}/model-{model}"
    tokens = int(chance.expovariate(1 / 2000)), int(chance.expovariate(1 / 300))
    # Without trailing zeros, as OpenRouter writes every amount that was recorded.
    cost = [Decimal(tokens[0] * 3).scaleb(-7).normalize(), Decimal(tokens[1] * 15).scaleb(-7).normalize()]
    streamed = chance.random() < 0.5
    generation = f"gen-{started_at // 10**9}-{chance.randbytes(10).hex()}"
    duration = int(chance.lognormvariate(0.7, 0.8) * 1e9)
    return Call(
        call_id=chance.randbytes(16).hex(),
        operation="chat",
        started_at=started_at,
        outcome="completed",
        server_address="openrouter.ai",
        server_port=443,
        http_status=200,
        duration=duration,
        time_to_headers=duration // 4,
        time_to_first_token=duration // 3 if streamed else None,
        output_chunks=tokens[1] if streamed else None,
        streamed=streamed,
        request_model=name,
        response_model=name,
        generation_id=generation,
        response_id=generation,
        provider=f"Provider {model % PROVIDERS}",
        finish_reasons=("stop",),
        native_finish_reasons=("stop",),
        input_tokens=tokens[0],
        output_tokens=tokens[1],
        total_tokens=sum(tokens),
        cached_tokens=0,
        reasoning_tokens=0,
        cost=sum(cost, Decimal()).normalize(),
        cost_source="response",
        upstream_cost=sum(cost, Decimal()).normalize(),
        upstream_input_cost=cost[0],
        upstream_output_cost=cost[1],
        is_byok=False,
        user=f"user-{someone(chance):06}",
        session=f"session-{chance.randrange(10**9):09}",
        tags={"feature": chance.choice(["search", "chat", "summary"])},
        parameters=Parameters(temperature=0.7, max_tokens=500),
        key_hash="a" * 64,
        resource={"service.name": "shop"},
        trace_id=chance.randbytes(16).hex(),
        span_id=chance.randbytes(8).hex(),
    )


def some_calls(count: int, days: int = DAYS, seed: int = 7) -> Iterator[Call]:
    """Yield calls, evenly spread over the days; those of another seed are others."""
    chance = random.Random(seed)
    for number in range(count):
        yield a_call(chance, START + days * DAY * number // count)


def fill(home: Path, count: int) -> None:
    """Make a ledger of so many calls."""
    with closing(Book(home)) as book:
        booked = list(some_calls(min(count, BOOKED)))
        for begin in range(0, len(booked), 500):
            book.apply("bench-000001.seg", 0, booked[begin : begin + 500])
        if count > len(booked):
            copy(book, count)
        upkeep.rebuild(book)


def copy(book: Book, count: int) -> None:
    """Put copies of the booked calls in their place, spread over the days in the order of time."""
    chance = random.Random(11)
    rounds = count // BOOKED
    with book.writing() as connection:
        connection.execute(_CACHE)
        connection.create_function("someone", 0, lambda: users + someone(chance))
        connection.execute("CREATE TEMP TABLE pattern AS SELECT * FROM entries")
        connection.execute("DELETE FROM entries")
        (users,) = connection.execute("SELECT max(id) FROM texts").fetchone()
        connection.executemany(_TEXT, ((users + n, f"who-{n:06}") for n in range(1, USERS + 1)))
        sessions = users + USERS + 1
        count_of_sessions = count // CALLS_OF_A_SESSION
        named = ((sessions + n, f"session-{n:010}") for n in range(count_of_sessions))
        connection.executemany(_TEXT, named)
        slice_ = DAYS * DAY // rounds
        for number in range(rounds):
            values = {
                "from": START + number * slice_,
                "step": slice_ // BOOKED,
                "first": sessions,
                "of": count_of_sessions,
            }
            connection.execute(_COPY, values)


_CACHE = "PRAGMA cache_size=-1000000"
"""Kilobytes. Ids are random: out of memory, each of millions would write a page of 4 KB into the log."""
_TEXT = "INSERT INTO texts VALUES (?, ?)"
_OTHER = {
    "call_id": "randomblob(16)",
    "started_at": ":from + (rowid - 1) * :step",
    "user": "someone()",
    "session": ":first + abs(random()) % :of",
    "generation_id": "'gen-' || ((:from + (rowid - 1) * :step) / 1000000000) || '-' || lower(hex(randomblob(10)))",
    "trace_id": "randomblob(16)",
    "span_id": "randomblob(8)",
}
_COPY = f"""
    INSERT INTO entries({", ".join(Entry._fields)})
    SELECT {", ".join(_OTHER.get(name, name) for name in Entry._fields)} FROM pattern ORDER BY rowid
"""


def export(ledger: Path, to: Path) -> None:
    """Write what the questions are about into a CSV file."""
    with closing(sqlite3.connect(ledger)) as connection, to.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(connection.execute(_EXPORT))


_EXPORT = """
    SELECT started_at, users.text, sessions.text, response_model, provider, input_tokens, output_tokens, cost, duration
    FROM entries JOIN kinds ON kinds.id = kind JOIN texts AS users ON users.id = user
    JOIN texts AS sessions ON sessions.id = session
"""
