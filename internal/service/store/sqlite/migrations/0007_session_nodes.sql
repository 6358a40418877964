-- +goose Up
-- The nodes that sessions have or had. Of the rows of a component under one session
-- name at most one has a state other than left: sessions of two tenants may share a
-- name, and components name their session only.
CREATE TABLE session_nodes (
    session   TEXT NOT NULL,
    component TEXT NOT NULL,
    tenant    TEXT NOT NULL,
    boot_set  TEXT NOT NULL,
    state     TEXT NOT NULL, -- staged, working, finished or left
    outcome   TEXT NOT NULL,
    cause     TEXT NOT NULL,
    error     TEXT NOT NULL,
    finished  INTEGER NOT NULL,
    joined    INTEGER NOT NULL, -- the revision in which the session got it
    PRIMARY KEY (session, component, tenant)
) WITHOUT ROWID;
CREATE INDEX session_nodes_state ON session_nodes (session, tenant, state, outcome);
CREATE INDEX sessions_name ON sessions (name);

-- Until now a session was known to own what its list names, or where it had none,
-- what names it.
INSERT INTO session_nodes (session, component, tenant, boot_set, state, outcome, cause, error, finished, joined)
SELECT s.name, m.value, s.tenant, '',
    CASE WHEN c.session = s.name THEN CASE c.enabled WHEN 1 THEN 'working' ELSE 'finished' END
         WHEN c.staged_session = s.name THEN 'staged' ELSE 'left' END,
    CASE WHEN c.session = s.name THEN CASE c.enabled WHEN 1 THEN '' ELSE c.status END
         WHEN c.staged_session = s.name THEN '' ELSE 'taken_over' END,
    CASE WHEN c.session = s.name AND c.enabled = 0 THEN COALESCE(c.work ->> '$.cause', '') ELSE '' END,
    CASE WHEN c.session = s.name AND c.enabled = 0 THEN c.error ELSE '' END,
    0, s.revision
FROM sessions s, json_each('[' || REPLACE(json_quote(s.document ->> '$.session.components'), ',', '","') || ']') m
LEFT JOIN components c ON c.id = m.value
WHERE s.document ->> '$.session.components' <> ''
ON CONFLICT DO NOTHING;
INSERT INTO session_nodes (session, component, tenant, boot_set, state, outcome, cause, error, finished, joined)
SELECT s.name, c.id, '', '', CASE WHEN c.session = s.name THEN CASE c.enabled WHEN 1 THEN 'working' ELSE 'finished' END ELSE 'staged' END,
    CASE WHEN c.session = s.name AND c.enabled = 0 THEN c.status ELSE '' END,
    CASE WHEN c.session = s.name AND c.enabled = 0 THEN COALESCE(c.work ->> '$.cause', '') ELSE '' END,
    CASE WHEN c.session = s.name AND c.enabled = 0 THEN c.error ELSE '' END,
    0, s.revision
FROM sessions s JOIN components c ON c.session = s.name OR c.staged_session = s.name
WHERE s.tenant = '' AND s.status <> 'pending' AND COALESCE(s.document ->> '$.session.components', '') = ''
ON CONFLICT DO NOTHING;
UPDATE session_nodes AS n SET state = 'left', outcome = CASE n.state WHEN 'finished' THEN n.outcome ELSE 'taken_over' END
WHERE n.state <> 'left' AND EXISTS (SELECT 1 FROM session_nodes o WHERE o.session = n.session AND o.component = n.component AND o.tenant <> n.tenant
    AND o.state <> 'left' AND (o.joined > n.joined OR o.joined = n.joined AND o.tenant > n.tenant));
