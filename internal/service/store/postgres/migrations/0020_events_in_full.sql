-- +goose Up
-- How far a component was and is, which try it was, what an upstream had answered, and
-- where the request came from that caused it: one line answers who reset a node and why.
ALTER TABLE events ADD COLUMN from_state TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN to_state TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN attempt BIGINT NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN answer TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN request TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN workspace TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN run TEXT COLLATE "C" NOT NULL DEFAULT '';
