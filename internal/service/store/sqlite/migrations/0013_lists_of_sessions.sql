-- +goose Up
-- The list of nodes that a session shows is made of its rows, those that it set up or
-- that its list named, each with its place there, and no longer kept in its document.
-- Each list is unpacked once, not once for each of its nodes.
ALTER TABLE session_nodes ADD COLUMN listed INTEGER NOT NULL DEFAULT 0;
CREATE TABLE unpacked (session TEXT, component TEXT, tenant TEXT, place INTEGER, PRIMARY KEY (session, component, tenant)) WITHOUT ROWID;
INSERT OR IGNORE INTO unpacked (session, component, tenant, place)
SELECT s.name, m.value, s.tenant, m.key + 1
FROM sessions s CROSS JOIN json_each('[' || REPLACE(json_quote(s.document ->> '$.session.components'), ',', '","') || ']') m
WHERE s.document ->> '$.session.components' <> '';
UPDATE session_nodes AS n SET listed = l.place
FROM unpacked l WHERE n.session = l.session AND n.component = l.component AND n.tenant = l.tenant;
DROP TABLE unpacked;
UPDATE sessions SET document = json_set(document, '$.session.components', '') WHERE document ->> '$.session.components' <> '';

-- Components name their session, and here whose it is.
ALTER TABLE components ADD COLUMN tenant TEXT NOT NULL DEFAULT '';
UPDATE components AS c SET tenant = n.tenant FROM session_nodes n
WHERE c.session <> '' AND n.session = c.session AND n.component = c.id AND n.state <> 'left' AND n.tenant <> '';
