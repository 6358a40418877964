-- +goose Up
-- Tokens in the order in which they were written, so that old ones that nobody
-- runs any more can be given up.
CREATE TABLE numbered_tokens (
    id        INTEGER PRIMARY KEY,
    token     TEXT NOT NULL UNIQUE,
    artifacts INTEGER NOT NULL REFERENCES artifacts (id)
);
INSERT INTO numbered_tokens (token, artifacts) SELECT token, artifacts FROM tokens;
DROP TABLE tokens;
ALTER TABLE numbered_tokens RENAME TO tokens;

-- Records of the first version said of what never was that it is "" or null;
-- the API leaves it out.
UPDATE components SET document = json_remove(document,
    CASE WHEN document ->> '$.last_action.action' = '' THEN '$.last_action.action' ELSE '$.none' END,
    CASE WHEN json_type(document, '$.last_action.last_updated') = 'null' THEN '$.last_action.last_updated' ELSE '$.none' END,
    CASE WHEN json_type(document, '$.actual_state.last_updated') = 'null' THEN '$.actual_state.last_updated' ELSE '$.none' END,
    CASE WHEN json_type(document, '$.desired_state.last_updated') = 'null' THEN '$.desired_state.last_updated' ELSE '$.none' END,
    CASE WHEN json_type(document, '$.staged_state.last_updated') = 'null' THEN '$.staged_state.last_updated' ELSE '$.none' END)
WHERE document ->> '$.last_action.action' = '' OR document LIKE '%"last_updated":null%';
