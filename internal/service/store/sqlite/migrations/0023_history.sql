-- +goose Up
-- A file has one history; a PostgreSQL may have several.
SELECT 1;
