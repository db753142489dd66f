-- What is public of committed shares that did not open any more and that the signer's
-- operator discarded, as it stood in their rows: a share that comes back must be the one
-- that was there, and is committed as that was.

-- +goose Up
CREATE TABLE discarded_shares (
  key_id TEXT NOT NULL PRIMARY KEY,
  org TEXT NOT NULL,
  protocol TEXT NOT NULL,
  curve TEXT NOT NULL,
  public_key TEXT NOT NULL,
  min_signers INTEGER NOT NULL,
  share_index BYTEA NOT NULL,
  public_shares BYTEA NOT NULL,
  reason TEXT NOT NULL,
  discarded_at BIGINT NOT NULL
);
