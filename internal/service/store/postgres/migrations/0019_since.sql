-- +goose Up
-- When the status of a component changed last, how often the power action of its phase was
-- tried, and when a session first sent something for each of its nodes.
ALTER TABLE components ADD COLUMN since BIGINT NOT NULL DEFAULT 0;
ALTER TABLE components ADD COLUMN attempts BIGINT NOT NULL DEFAULT 0;
ALTER TABLE session_nodes ADD COLUMN began BIGINT NOT NULL DEFAULT 0;
