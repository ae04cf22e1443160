"""The tables of the outbox, and the migrations of older files."""

from spancast import early_facts
from spancast.delivery.outbox import contents

MIGRATIONS = (
    """
    CREATE TABLE segment (name TEXT PRIMARY KEY, end INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE route (
        id INTEGER PRIMARY KEY, writer TEXT NOT NULL, destinations TEXT NOT NULL, UNIQUE (writer, destinations)
    );
    CREATE TABLE routed (
        destination TEXT NOT NULL, route INTEGER NOT NULL REFERENCES route, PRIMARY KEY (destination, route)
    ) WITHOUT ROWID;
    CREATE TABLE record (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, call_id TEXT NOT NULL UNIQUE, route INTEGER NOT NULL REFERENCES route,
        started_at INTEGER NOT NULL, killed INTEGER NOT NULL, payload BLOB NOT NULL
    );
    CREATE INDEX record_route ON record (route, seq);
    CREATE TABLE destination (
        name TEXT PRIMARY KEY, exporter TEXT NOT NULL DEFAULT '', endpoint TEXT, cursor INTEGER NOT NULL,
        state TEXT NOT NULL DEFAULT 'ready', reason TEXT, not_before REAL, asked INTEGER NOT NULL DEFAULT 0,
        last_delivered_at INTEGER
    ) WITHOUT ROWID;
    CREATE TABLE tally (
        destination TEXT NOT NULL REFERENCES destination, kind TEXT NOT NULL, reason TEXT NOT NULL,
        count INTEGER NOT NULL, PRIMARY KEY (destination, kind, reason)
    ) WITHOUT ROWID;
    CREATE TABLE exception (
        destination TEXT NOT NULL REFERENCES destination, seq INTEGER NOT NULL REFERENCES record,
        state TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (destination, seq)
    ) WITHOUT ROWID;
    CREATE INDEX exception_waiting ON exception (destination, seq) WHERE state = 'waiting';
    """,
    f"""
    ALTER TABLE record ADD COLUMN job TEXT; -- the id of the job that the call began
    ALTER TABLE record ADD COLUMN came_at REAL NOT NULL DEFAULT 0; -- seconds
    CREATE INDEX record_job ON record (job) WHERE job IS NOT NULL;
    ALTER TABLE exception ADD COLUMN not_before REAL; -- seconds, of a record that waits for its cost
    ALTER TABLE exception ADD COLUMN sent INTEGER NOT NULL DEFAULT 0; -- whether the platform has it without its cost
    CREATE INDEX exception_record ON exception (seq);
    CREATE INDEX exception_sent ON exception (destination) WHERE sent = 1;
    {early_facts.TABLE};
    {early_facts.INDEX};
    """,
    contents.TABLE,
    """
    ALTER TABLE destination ADD COLUMN held_for REAL NOT NULL DEFAULT 0; -- seconds from the failure to not_before
    ALTER TABLE destination ADD COLUMN failures INTEGER NOT NULL DEFAULT 0; -- in a row
    ALTER TABLE tally ADD COLUMN picodollars INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE replayed ( -- records that a destination was given which they do not name
        destination TEXT NOT NULL REFERENCES destination, seq INTEGER NOT NULL REFERENCES record,
        PRIMARY KEY (destination, seq)
    ) WITHOUT ROWID;
    CREATE INDEX replayed_record ON replayed (seq);
    CREATE TABLE sweep (position INTEGER NOT NULL); -- the record up to which the last one went
    INSERT INTO sweep VALUES (0);
    """,
    "ALTER TABLE exception ADD COLUMN held_for REAL NOT NULL DEFAULT 0",  # seconds until not_before
)
