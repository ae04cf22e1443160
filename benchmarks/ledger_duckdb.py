"""The same questions to DuckDB, on a file of its own, in an environment of its own.

    python benchmarks/ledger_duckdb.py CSV USER SINCE TIMES

prints the milliseconds of each question as JSON.
"""

import json
import statistics
import sys
import time
from pathlib import Path


def main() -> None:
    import duckdb

    csv, user, since, times = sys.argv[1:]
    file = Path(csv).with_suffix(".duckdb")
    connection = duckdb.connect(str(file))
    connection.execute(f"CREATE TABLE calls AS SELECT * FROM read_csv('{csv}') ORDER BY started_at")
    connection.execute("CHECKPOINT")
    print(json.dumps({name: ask(connection, sql, user, int(since), int(times)) for name, sql in QUESTIONS.items()}))


def ask(connection, sql: str, user: str, since: int, times: int) -> float:
    """Return the milliseconds of one answer, the median."""
    values = {name: value for name, value in (("user", user), ("since", since)) if f"${name}" in sql}
    took = []
    for _ in range(times):
        began = time.perf_counter()
        connection.execute(sql, values).fetchall()
        took.append((time.perf_counter() - began) * 1e3)
    return statistics.median(took)


DAY = "started_at // 86400000000000"
SUMS = "count(*), sum(input), sum(output), sum(cost)"
QUESTIONS = {
    "the 20 users who spent most": f"SELECT user, {SUMS} FROM calls GROUP BY 1 ORDER BY sum(cost) DESC LIMIT 20",
    "the same, 30 days": f"SELECT user, {SUMS} FROM calls WHERE started_at >= $since GROUP BY 1 "
    "ORDER BY sum(cost) DESC LIMIT 20",
    "day and model, 30 days": f"SELECT {DAY}, model, {SUMS} FROM calls WHERE started_at >= $since GROUP BY 1, 2",
    "the sessions of a user": f"SELECT session, {SUMS} FROM calls WHERE user = $user GROUP BY 1",
    "the total": f"SELECT {SUMS} FROM calls",
    "the last 100 calls": "SELECT * FROM calls ORDER BY started_at DESC LIMIT 100",
    "p50 and p95 by model": "SELECT model, quantile_cont(duration, [0.5, 0.95]) FROM calls GROUP BY 1",
}


if __name__ == "__main__":
    main()
