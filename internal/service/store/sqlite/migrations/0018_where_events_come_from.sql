-- +goose Up
-- Where a request came from, and the plan that a session was created by: an audit asks
-- for both long after the session is gone.
ALTER TABLE events ADD COLUMN origin TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN plan TEXT NOT NULL DEFAULT '';
