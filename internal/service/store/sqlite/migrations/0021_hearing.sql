-- +goose Up
-- Up to which revision somebody waits for the service that drives the database to have
-- read, and up to which it says that it has.
ALTER TABLE lease ADD COLUMN asked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lease ADD COLUMN heard INTEGER NOT NULL DEFAULT 0;
-- What services that stand by were told and the one that drives has not taken yet.
CREATE TABLE told (
    number INTEGER PRIMARY KEY,
    what   TEXT NOT NULL
);
