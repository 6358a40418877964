-- +goose Up
-- What only this database knows, such as the key that node tokens are made with. The
-- file is readable by its owner alone.
CREATE TABLE secrets (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;
