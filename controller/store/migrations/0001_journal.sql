-- The journal. `entry` is one JSON document and the only truth about the row; the columns beside it are computed from
-- it, for searching. `hash` is SHA-256 over the previous row's hash followed by the bytes of `entry`.
CREATE TABLE journal (
    number INTEGER PRIMARY KEY,
    entry  TEXT NOT NULL,
    hash   BLOB NOT NULL,
    kind   TEXT AS (json_extract(entry, '$.kind')) VIRTUAL,
    type   TEXT AS (json_extract(entry, '$.type')) VIRTUAL,
    vessel TEXT AS (json_extract(entry, '$.vessel')) VIRTUAL,
    batch  TEXT AS (json_extract(entry, '$.batch')) VIRTUAL,
    answers INTEGER AS (nullif(json_extract(entry, '$.command'), 0)) VIRTUAL -- the command an event is about
);
CREATE INDEX journal_vessel ON journal (vessel, number);
CREATE INDEX journal_batch ON journal (batch, number);
CREATE INDEX journal_answers ON journal (answers, number) WHERE answers IS NOT NULL;
CREATE INDEX journal_kind ON journal (kind, number);

CREATE TRIGGER journal_is_never_edited BEFORE UPDATE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER journal_is_never_shortened BEFORE DELETE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;

-- The newest row's number and hash once more, so that rows missing at the end are noticed.
CREATE TABLE journal_head (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    number INTEGER NOT NULL,
    hash   BLOB NOT NULL
);
INSERT INTO journal_head VALUES (1, 0, zeroblob(32));
