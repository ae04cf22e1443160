"""Writes spans as the `s3` exporter would, in Parquet, and reads them back; run by an interpreter that has pyarrow.

`python parquet_files.py FOLDER` leaves `many.parquet` there, and prints in JSON what pyarrow reads of each file.
"""

import json
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from pyarrow import parquet  # type: ignore[import-not-found,unused-ignore]

from spancast.contract import Encoded
from spancast.testing import spans
from spancast_exporters.s3 import S3

NOW = datetime(2026, 9, 21, tzinfo=UTC)
EXPORTER = S3(bucket="traces", access_key_id="a", secret_access_key="b", format="parquet")


def read(encoded: Encoded, name: str = "one.parquet") -> Any:
    """Return the table of a file, from the disk: bytes of Python's are let go by pyarrow's threads, at exit, too."""
    path = Path(sys.argv[1], name)
    path.write_bytes(encoded.request.body)
    return parquet.read_table(path)


many = [
    spans.call_span(f"{number:016x}", with_content=False, cost=Decimal(number) * Decimal("0.000000000000000007"))
    for number in range(1, 601)
]
(whole,) = EXPORTER.encode(many, NOW)
assert [whole] == EXPORTER.encode(many, NOW), "equal spans make other requests"
table = read(whole, "many.parquet")
hostile = [EXPORTER.encode([span], NOW)[0] for span in spans.hostile_spans().values()]
unknown = EXPORTER.encode([spans.opened_call_span()], NOW)[0]
found = {
    "url": whole.request.url,
    "types": {name: str(table.schema.field(name).type) for name in ("TOTAL_COST", "TIMESTAMP", "TAGS")},
    "rows": table.num_rows,
    "total": str(sum(table.column("TOTAL_COST").to_pylist())),
    "first": {name: str(value) for name, value in table.slice(0, 1).to_pylist()[0].items()},
    "unknown": read(unknown).to_pylist()[0]["TOTAL_COST"],
    "hostile": [read(each).num_rows for each in hostile],
}
sys.stdout.write(json.dumps(found))
