-- +goose Up
-- The status of a session is counted from an index, and what has an error is
-- found without a look at what has none.
ALTER TABLE components ADD COLUMN error TEXT NOT NULL DEFAULT '';
UPDATE components SET error = COALESCE(json_extract(document, '$.error'), '');
DROP INDEX components_session;
CREATE INDEX components_session ON components (session, status, phase, enabled);
CREATE INDEX components_error ON components (session) WHERE error <> '';
CREATE INDEX components_status ON components (status, phase);

-- Actor and tenant of events, and the filters of GET /x/v1/events.
ALTER TABLE events ADD COLUMN tenant TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN actor TEXT NOT NULL DEFAULT '';
CREATE INDEX events_component ON events (component) WHERE component <> '';
CREATE INDEX events_session ON events (session) WHERE session <> '';
