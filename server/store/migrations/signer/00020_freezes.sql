-- What the signer's operator has stopped: 'all', 'organisation:ID' or 'key:ID'.

-- +goose Up
CREATE TABLE freezes (
  scope TEXT NOT NULL PRIMARY KEY,
  since BIGINT NOT NULL
);
