-- The state of the newest scan, complete: what a restart continues from.
CREATE TABLE checkpoint (
    one       INTEGER PRIMARY KEY CHECK (one = 1),
    process_s REAL NOT NULL,
    utc       REAL NOT NULL,
    state     TEXT NOT NULL
);
