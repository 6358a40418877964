-- +goose Up
-- Whether boot artifacts are referred to is asked before they are removed.
CREATE INDEX tokens_artifacts ON tokens (artifacts);
CREATE INDEX host_boots_artifacts ON host_boots (artifacts);
