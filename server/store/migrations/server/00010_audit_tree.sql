-- The audit log becomes a Merkle tree. Its leaves' hashes stand beside the entries, its
-- complete interior nodes here, each under the position that tlog.StoredHashIndex gives
-- it. The next migration makes those of the entries that are there.

-- +goose Up
CREATE TABLE audit_nodes (
  position BIGINT NOT NULL PRIMARY KEY,
  hash BYTEA NOT NULL
);

-- The roots of the complete subtrees that the tree consists of, the largest first: all
-- that appending has to know.
ALTER TABLE audit_state ADD COLUMN edge BYTEA NOT NULL DEFAULT '';
