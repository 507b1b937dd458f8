-- Keys of the nodes that have joined; one that was removed stays, so that its key is known as revoked.
CREATE TABLE node_identity (
  name TEXT NOT NULL PRIMARY KEY,
  key_hash TEXT NOT NULL,
  nats_key TEXT NOT NULL,
  joined_at INTEGER NOT NULL,
  token TEXT NOT NULL,
  revoked_at INTEGER
) STRICT, WITHOUT ROWID;

-- What lets machines join. The tokens' secrets are not here.
CREATE TABLE join_token (
  uuid TEXT NOT NULL PRIMARY KEY,
  hash TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  uses INTEGER NOT NULL,
  used INTEGER NOT NULL,
  replaces INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  revoked_at INTEGER
) STRICT, WITHOUT ROWID;
