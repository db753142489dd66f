-- Each share names the share-wrapping key that it is sealed under. The column has no
-- default: who does not know of it stores nothing. The one row of table wrapping says which
-- key new shares are sealed under, and how far another key has come that is to take its
-- place or had it before (other_key is 0 if there is none).

-- +goose Up
ALTER TABLE shares RENAME TO shares_before;
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
  committed BOOLEAN NOT NULL,
  wrapping_key BIGINT NOT NULL
);
INSERT INTO shares (key_id, org, protocol, curve, public_key, min_signers, share_index, public_shares, sealed, committed, wrapping_key)
  SELECT key_id, org, protocol, curve, public_key, min_signers, share_index, public_shares, sealed, committed, 1 FROM shares_before;
DROP TABLE shares_before;
CREATE INDEX shares_by_wrapping_key ON shares (wrapping_key);

CREATE TABLE wrapping (
  id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  current_key BIGINT NOT NULL,
  other_key BIGINT NOT NULL,
  stage TEXT NOT NULL
);
INSERT INTO wrapping (id, current_key, other_key, stage) VALUES (1, 1, 0, 'settled');

-- What the last verification of all shares found, and when one last found nothing wrong
-- (0: never).
CREATE TABLE verification (
  id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  finished_at BIGINT NOT NULL,
  took BIGINT NOT NULL,
  intact BIGINT NOT NULL,
  damaged BIGINT NOT NULL,
  succeeded_at BIGINT NOT NULL
);
