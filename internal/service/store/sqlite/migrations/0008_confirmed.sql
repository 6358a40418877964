-- +goose Up
-- When a node said last what it booted, in minutes; 0 if it says nothing, 1 if it does
-- not say when. What is old is found without a look at what is not.
ALTER TABLE components ADD COLUMN confirmed INTEGER NOT NULL DEFAULT 0;
UPDATE components SET confirmed = MAX(1, COALESCE(CAST(strftime('%s', document ->> '$.actual_state.last_updated') AS INTEGER) / 60, 1))
WHERE document ->> '$.actual_state.bss_token' <> '' OR CASE json_type(document, '$.actual_state.boot_artifacts')
    WHEN 'integer' THEN (SELECT kernel FROM artifacts WHERE id = document ->> '$.actual_state.boot_artifacts')
    ELSE document ->> '$.actual_state.boot_artifacts.kernel' END <> '';
CREATE INDEX components_confirmed ON components (confirmed) WHERE enabled = 0 AND confirmed > 0;
