"""The ledger's calls as files for other tools.

- `atomic_file`  a file that appears only when it is complete
- `columns`      the columns that the formats share
- `focus`        the columns of FOCUS
- `pages`        calls in batches, to limit memory
- `parquet`      Parquet
- `text`         CSV and lines of JSON
"""
