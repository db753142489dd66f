-- The database of one signer. The same text for SQLite and PostgreSQL, as in the
-- server's.

-- +goose Up
CREATE TABLE store (
  kind TEXT NOT NULL PRIMARY KEY
);
INSERT INTO store (kind) VALUES ('signer');

-- One row, once the signer is enrolled.
CREATE TABLE enrolment (
  id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  signer TEXT NOT NULL
);

CREATE TABLE shares (
  key_id TEXT NOT NULL PRIMARY KEY,
  org TEXT NOT NULL,
  protocol TEXT NOT NULL,
  curve TEXT NOT NULL,
  public_key TEXT NOT NULL,
  min_signers INTEGER NOT NULL,
  share_index BYTEA NOT NULL,
  public_shares BYTEA NOT NULL,
  sealed BYTEA NOT NULL,
  committed BOOLEAN NOT NULL
);

CREATE TABLE uses (
  action BYTEA NOT NULL PRIMARY KEY,
  digest BYTEA NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX uses_by_expiry ON uses (expires_at);
