-- The database of an API server. The same text for SQLite and PostgreSQL: times are
-- BIGINT milliseconds since 1970 UTC, ids are made by the program, and BYTEA, which
-- SQLite takes as any other name, holds bytes as they are.

-- +goose Up
CREATE TABLE store (
  kind TEXT NOT NULL PRIMARY KEY
);
INSERT INTO store (kind) VALUES ('server');

CREATE TABLE organisations (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  export_reference TEXT,
  export_activated_at BIGINT,
  CHECK ((export_reference IS NULL) = (export_activated_at IS NULL))
);

CREATE TABLE users (
  id TEXT NOT NULL PRIMARY KEY,
  org TEXT NOT NULL REFERENCES organisations (id),
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  active BOOLEAN NOT NULL,
  permissions TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  UNIQUE (org, id)
);
CREATE INDEX users_by_creation ON users (org, created_at, id);

CREATE TABLE credentials (
  org TEXT NOT NULL,
  id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  public_key TEXT NOT NULL,
  active BOOLEAN NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (org, id),
  FOREIGN KEY (org, user_id) REFERENCES users (org, id)
);
CREATE INDEX credentials_by_user ON credentials (org, user_id, created_at, id);

CREATE TABLE tokens (
  id TEXT NOT NULL PRIMARY KEY,
  org TEXT NOT NULL,
  user_id TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  revoked_at BIGINT,
  FOREIGN KEY (org, user_id) REFERENCES users (org, id)
);

-- The payload is bytes: what a user signed may hold what no TEXT does.
CREATE TABLE actions (
  id TEXT NOT NULL PRIMARY KEY,
  label TEXT NOT NULL,
  deployment TEXT NOT NULL,
  org TEXT NOT NULL,
  user_id TEXT NOT NULL,
  nonce BYTEA NOT NULL,
  issued_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  method TEXT NOT NULL,
  path TEXT NOT NULL,
  payload_hash BYTEA NOT NULL,
  payload BYTEA NOT NULL,
  credential TEXT,
  credential_kind TEXT,
  client_data BYTEA,
  signature BYTEA,
  token_hash BYTEA UNIQUE,
  used_at BIGINT,
  FOREIGN KEY (org, user_id) REFERENCES users (org, id),
  CHECK (used_at IS NULL OR token_hash IS NOT NULL)
);
CREATE INDEX actions_by_expiry ON actions (expires_at);

CREATE TABLE keys (
  id TEXT NOT NULL PRIMARY KEY,
  org TEXT NOT NULL REFERENCES organisations (id),
  protocol TEXT NOT NULL,
  curve TEXT NOT NULL,
  public_key TEXT NOT NULL,
  min_signers INTEGER NOT NULL,
  signers INTEGER NOT NULL,
  name TEXT NOT NULL,
  status TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  exported_at BIGINT,
  UNIQUE (org, id)
);
CREATE INDEX keys_by_creation ON keys (org, created_at, id);
CREATE INDEX keys_by_public_key ON keys (org, public_key);

-- The public key stands here too: what was exported is the key behind it, under
-- whichever id.
CREATE TABLE exports (
  id TEXT NOT NULL PRIMARY KEY,
  org TEXT NOT NULL,
  key_id TEXT NOT NULL,
  public_key TEXT NOT NULL,
  begun_at BIGINT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('begun', 'released', 'failed', 'void')),
  FOREIGN KEY (org, key_id) REFERENCES keys (org, id)
);
CREATE INDEX exports_running ON exports (begun_at) WHERE state = 'begun';
CREATE INDEX exports_counted ON exports (org, public_key, begun_at) WHERE state <> 'void';

CREATE TABLE imports (
  key_id TEXT NOT NULL PRIMARY KEY,
  org TEXT NOT NULL REFERENCES organisations (id),
  begun_at BIGINT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('begun', 'abandoned'))
);

CREATE TABLE audit_log (
  seq BIGINT NOT NULL PRIMARY KEY,
  entry BYTEA NOT NULL,
  leaf_hash BYTEA NOT NULL
);

-- One row: how many entries the log has.
CREATE TABLE audit_state (
  id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  size BIGINT NOT NULL
);
INSERT INTO audit_state (id, size) VALUES (1, 0);
