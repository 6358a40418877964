-- +goose Up
-- What changed, transaction by transaction. The newest row holds the newest
-- revision of the whole store and is never removed: a revision is not used again.
CREATE TABLE changes (
    revision INTEGER PRIMARY KEY,
    size     INTEGER NOT NULL,
    what     TEXT NOT NULL
);
INSERT INTO changes (revision, size, what)
SELECT MAX(revision) + 1, 0, '[]' FROM (SELECT revision FROM components UNION ALL SELECT revision FROM sessions UNION ALL SELECT 0);
