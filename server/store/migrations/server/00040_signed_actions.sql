-- An action is stored once it is signed, and its challenge's hash is its id. One from
-- before that was not used yet has another id, or no signature: it is asked for again.

-- +goose Up
DELETE FROM actions WHERE used_at IS NULL;
