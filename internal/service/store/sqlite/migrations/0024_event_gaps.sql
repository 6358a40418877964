-- +goose Up
-- A file has one history and passes nothing over, but what is moved into it may have.
CREATE TABLE event_gaps (
    last INTEGER PRIMARY KEY,
    size INTEGER NOT NULL
);
