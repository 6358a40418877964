-- +goose Up
-- In which history of the database was written last: a standby that is promoted begins
-- another one, which may lack the last writes of the one before.
ALTER TABLE turn ADD COLUMN history TEXT COLLATE "C" NOT NULL DEFAULT '';
