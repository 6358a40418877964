-- +goose Up
-- The list of nodes that a session shows is made of its rows, those that it set up or
-- that its list named, each with its place there, and no longer kept in its document.
ALTER TABLE session_nodes ADD COLUMN listed INTEGER NOT NULL DEFAULT 0;
UPDATE session_nodes AS n SET listed = l.place
FROM (SELECT s.tenant, s.name, m.value AS component, m.key + 1 AS place
    FROM sessions s, json_each('[' || REPLACE(json_quote(s.document ->> '$.session.components'), ',', '","') || ']') m
    WHERE s.document ->> '$.session.components' <> '') AS l
WHERE n.session = l.name AND n.tenant = l.tenant AND n.component = l.component;
UPDATE sessions SET document = json_set(document, '$.session.components', '') WHERE document ->> '$.session.components' <> '';

-- Components name their session, and here whose it is.
ALTER TABLE components ADD COLUMN tenant TEXT NOT NULL DEFAULT '';
UPDATE components AS c SET tenant = n.tenant FROM session_nodes n
WHERE c.session <> '' AND n.session = c.session AND n.component = c.id AND n.state <> 'left' AND n.tenant <> '';
