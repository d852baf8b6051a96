-- Every scan. New scans are rows of `history_tail`; when enough have come together they are packed, column by column,
-- into `history_time` and `history_chunk`, in the same transaction that removes them from the tail.
CREATE TABLE history_layout (
    id      INTEGER PRIMARY KEY,
    columns TEXT NOT NULL UNIQUE -- JSON list of names, in the order of the values of a tail row
);
CREATE TABLE history_tail (
    scan    INTEGER PRIMARY KEY,
    layout  INTEGER NOT NULL,
    time_us INTEGER NOT NULL, -- UTC, microseconds since the epoch
    data    BLOB NOT NULL     -- float64 values, then one quality byte for each
);
CREATE TABLE history_time (
    chunk INTEGER PRIMARY KEY,
    first INTEGER NOT NULL, -- earliest and latest time_us inside
    last  INTEGER NOT NULL,
    scans INTEGER NOT NULL,
    data  BLOB NOT NULL
);
CREATE INDEX history_time_span ON history_time (first, last);
CREATE TABLE history_chunk (
    name  TEXT NOT NULL,
    chunk INTEGER NOT NULL,
    data  BLOB NOT NULL
);
CREATE UNIQUE INDEX history_chunk_of ON history_chunk (name, chunk);
