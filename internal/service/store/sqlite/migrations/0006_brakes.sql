-- +goose Up
-- The stops that somebody has put on: of the site, and of each component.
CREATE TABLE site_pause (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    revision INTEGER NOT NULL,
    brake    TEXT NOT NULL
);
ALTER TABLE components ADD COLUMN held TEXT NOT NULL DEFAULT '';
CREATE INDEX components_held ON components (id) WHERE held <> '';
