-- The newest trust document that was ever in force, for each organisation.

-- +goose Up
CREATE TABLE trust_serials (
  org TEXT NOT NULL PRIMARY KEY,
  serial BIGINT NOT NULL,
  hash BYTEA NOT NULL
);
