-- The signer's own audit log, in the form of the server's: entries, the interior nodes
-- of their Merkle tree, and the tree's growing end.

-- +goose Up
CREATE TABLE audit_log (
  seq BIGINT NOT NULL PRIMARY KEY,
  entry BYTEA NOT NULL,
  leaf_hash BYTEA NOT NULL
);

CREATE TABLE audit_nodes (
  position BIGINT NOT NULL PRIMARY KEY,
  hash BYTEA NOT NULL
);

CREATE TABLE audit_state (
  id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  size BIGINT NOT NULL,
  edge BYTEA NOT NULL
);
INSERT INTO audit_state (id, size, edge) VALUES (1, 0, '');
