-- +goose Up
-- Who is about to apply staged state is given a number for it, and what was applied by
-- a number is not applied by it again.
CREATE TABLE staged_receipts (
    id       INTEGER PRIMARY KEY,
    number   TEXT NOT NULL UNIQUE,
    tenant   TEXT NOT NULL,
    run_key  TEXT NOT NULL,
    expires  INTEGER NOT NULL,
    applied  INTEGER NOT NULL DEFAULT 0,
    document TEXT NOT NULL
);
CREATE INDEX staged_receipts_key ON staged_receipts (run_key, tenant);
