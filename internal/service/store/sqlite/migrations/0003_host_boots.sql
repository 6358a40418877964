-- +goose Up
-- What hosts boot, for the built-in boot script endpoint.
CREATE TABLE host_boots (
    host      TEXT PRIMARY KEY,
    artifacts INTEGER NOT NULL REFERENCES artifacts (id),
    token     TEXT NOT NULL
) WITHOUT ROWID;
