-- +goose Up
-- The numbers of events that a new history of the database passes over: so many behind the
-- last one of before, of which some may have been those of events that are lost.
CREATE TABLE event_gaps (
    last BIGINT PRIMARY KEY,
    size BIGINT NOT NULL
);
