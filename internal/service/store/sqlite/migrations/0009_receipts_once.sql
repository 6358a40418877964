-- +goose Up
-- A preview has a number, and knows the session that carried it out; a session is
-- found by the number and, while it is in flight, by its pin.
ALTER TABLE receipts ADD COLUMN number TEXT NOT NULL DEFAULT '';
ALTER TABLE receipts ADD COLUMN session TEXT NOT NULL DEFAULT '';
CREATE INDEX receipts_number ON receipts (number) WHERE number <> '';
ALTER TABLE sessions ADD COLUMN pin TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN receipt TEXT NOT NULL DEFAULT '';
CREATE INDEX sessions_pin ON sessions (pin) WHERE pin <> '' AND status <> 'complete';
CREATE INDEX sessions_receipt ON sessions (receipt) WHERE receipt <> '';
