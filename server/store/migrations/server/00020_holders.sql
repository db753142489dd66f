-- Which signer has which share of a key; and the keys that some signer may not have
-- committed yet, with the receipts that signers commit on.

-- +goose Up
CREATE TABLE holders (
  key_id TEXT NOT NULL REFERENCES keys (id),
  signer TEXT NOT NULL,
  share_index BYTEA NOT NULL,
  commitment BYTEA NOT NULL,
  PRIMARY KEY (key_id, signer),
  UNIQUE (key_id, share_index)
);

CREATE TABLE commits (
  key_id TEXT NOT NULL PRIMARY KEY REFERENCES keys (id),
  org TEXT NOT NULL,
  receipts TEXT NOT NULL
);
