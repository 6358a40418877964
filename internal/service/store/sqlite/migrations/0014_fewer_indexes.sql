-- +goose Up
-- A node goes through its states in every reboot, and each is one more write of an index
-- by them. Lists by status alone are rare, and read the records.
DROP INDEX components_status;
