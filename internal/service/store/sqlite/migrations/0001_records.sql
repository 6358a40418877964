-- +goose Up
CREATE TABLE components (
    id             TEXT PRIMARY KEY,
    revision       INTEGER NOT NULL,
    enabled        INTEGER NOT NULL,
    phase          TEXT NOT NULL,
    status         TEXT NOT NULL,
    session        TEXT NOT NULL,
    staged_session TEXT NOT NULL,
    document       TEXT NOT NULL,
    work           TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX components_enabled ON components (enabled) WHERE enabled = 1;
CREATE INDEX components_session ON components (session);
CREATE INDEX components_staged ON components (staged_session) WHERE staged_session <> '';

CREATE TABLE templates (
    tenant   TEXT NOT NULL,
    name     TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (tenant, name)
) WITHOUT ROWID;

CREATE TABLE sessions (
    tenant   TEXT NOT NULL,
    name     TEXT NOT NULL,
    revision INTEGER NOT NULL,
    status   TEXT NOT NULL,
    started  INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (tenant, name)
) WITHOUT ROWID;
CREATE INDEX sessions_status ON sessions (status);

CREATE TABLE artifacts (
    id                INTEGER PRIMARY KEY,
    kernel            TEXT NOT NULL,
    kernel_parameters TEXT NOT NULL,
    initrd            TEXT NOT NULL,
    UNIQUE (kernel, kernel_parameters, initrd)
);
CREATE TABLE tokens (
    token     TEXT PRIMARY KEY,
    artifacts INTEGER NOT NULL REFERENCES artifacts (id)
) WITHOUT ROWID;

CREATE TABLE options (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    document TEXT NOT NULL
);

CREATE TABLE receipts (
    id       INTEGER PRIMARY KEY,
    key      TEXT NOT NULL,
    pin      TEXT NOT NULL,
    expires  INTEGER NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX receipts_key ON receipts (key);
CREATE INDEX receipts_pin ON receipts (pin);

CREATE TABLE events (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    time      INTEGER NOT NULL,
    component TEXT NOT NULL,
    session   TEXT NOT NULL,
    kind      TEXT NOT NULL,
    detail    TEXT NOT NULL
);

CREATE TABLE lease (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    holder  TEXT NOT NULL,
    expires INTEGER NOT NULL,
    fence   INTEGER NOT NULL
);
