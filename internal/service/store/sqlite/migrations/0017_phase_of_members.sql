-- +goose Up
-- The phase in which a node was when its session was done with it, or lost it.
ALTER TABLE session_nodes ADD COLUMN phase TEXT NOT NULL DEFAULT '';
UPDATE session_nodes AS n SET phase = c.phase FROM components c
WHERE c.id = n.component AND n.state = 'finished' AND c.session = n.session AND c.phase <> '';
