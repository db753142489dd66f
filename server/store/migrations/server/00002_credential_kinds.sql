-- Credentials in authenticators and such under a password. A counter that is 0 is one
-- of an authenticator that was not used yet, or does not count.

-- +goose Up
ALTER TABLE credentials ADD COLUMN encrypted_private_key TEXT NOT NULL DEFAULT '';
ALTER TABLE credentials ADD COLUMN counter BIGINT NOT NULL DEFAULT 0;
ALTER TABLE actions ADD COLUMN authenticator_data BYTEA;
