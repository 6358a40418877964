-- +goose Up
-- What is remembered of components that were deleted, for when they are found again: it is
-- of the machine, and holds whatever becomes of the record.
CREATE TABLE departed (
    component TEXT COLLATE "C" PRIMARY KEY,
    work      TEXT COLLATE "C" NOT NULL
);
