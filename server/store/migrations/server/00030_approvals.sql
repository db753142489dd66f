-- Approvals of exports: one for each user and key, the latest. What was signed is in the
-- action, which is kept until it expires, and with it goes the approval.

-- +goose Up
CREATE TABLE approvals (
  org TEXT NOT NULL,
  key_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  encryption_key TEXT NOT NULL, -- its hash, in hex
  action TEXT NOT NULL UNIQUE REFERENCES actions (id) ON DELETE CASCADE,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (org, key_id, user_id),
  FOREIGN KEY (org, key_id) REFERENCES keys (org, id),
  FOREIGN KEY (org, user_id) REFERENCES users (org, id)
);
CREATE INDEX approvals_by_request ON approvals (org, key_id, encryption_key, expires_at);
