-- What stands in for Azure shares and containers.
CREATE TABLE storage_mapping (
  source TEXT PRIMARY KEY,
  file_server TEXT NOT NULL,
  path TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
