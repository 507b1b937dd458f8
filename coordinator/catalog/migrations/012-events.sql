-- Who wants to be told of what, and where; `target` is sealed.
CREATE TABLE subscription (
  uuid TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  created_at INTEGER NOT NULL,
  owner TEXT NOT NULL,
  workspace TEXT,
  experiment TEXT,
  job TEXT,
  submitter TEXT,
  kinds TEXT NOT NULL,
  target BLOB NOT NULL,
  missed INTEGER NOT NULL,
  missed_ever INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What has happened that somebody has subscribed to, and who has not been told yet.
CREATE TABLE outgoing (
  number INTEGER NOT NULL PRIMARY KEY,
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  at INTEGER NOT NULL,
  subject TEXT NOT NULL,
  message TEXT NOT NULL,
  scope TEXT NOT NULL,
  data TEXT NOT NULL,
  pending TEXT NOT NULL
) STRICT;

-- The W3C trace context that a job was submitted in.
ALTER TABLE job ADD COLUMN trace_parent TEXT;
