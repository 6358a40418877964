-- +goose Up
-- What is to be reached for a component. Until now a desired state without a kernel
-- said that it is to be off.
ALTER TABLE components ADD COLUMN goal TEXT NOT NULL DEFAULT '';
UPDATE components SET goal = CASE COALESCE(CASE json_type(document, '$.desired_state.boot_artifacts')
    WHEN 'integer' THEN (SELECT kernel FROM artifacts WHERE id = document ->> '$.desired_state.boot_artifacts')
    ELSE document ->> '$.desired_state.boot_artifacts.kernel' END, '') WHEN '' THEN 'off' ELSE 'boot' END;
