-- The nodes that nodes may ask whether they hear the coordinator, and which of these sets each node may hold.
CREATE TABLE witness_set (
  version INTEGER PRIMARY KEY,
  made_at INTEGER NOT NULL,
  ttl_ms INTEGER NOT NULL,
  members TEXT NOT NULL
) STRICT;

ALTER TABLE node ADD COLUMN witness_sets TEXT;
