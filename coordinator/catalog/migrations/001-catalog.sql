-- History is kept in the order of its writing, so that a commit touches few pages.
-- Nested records are JSON text; specs are protobuf messages of stoker.v1. Times are milliseconds since the epoch.
CREATE TABLE workspace (
  uuid TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  tags TEXT NOT NULL,
  location TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE cluster (
  uuid TEXT PRIMARY KEY,
  workspace TEXT NOT NULL,
  name TEXT NOT NULL,
  spec BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  size TEXT NOT NULL
) STRICT;

CREATE TABLE file_server (
  uuid TEXT PRIMARY KEY,
  workspace TEXT NOT NULL,
  name TEXT NOT NULL,
  spec BLOB NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE experiment (
  uuid TEXT PRIMARY KEY,
  workspace TEXT NOT NULL,
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  deleting INTEGER NOT NULL
) STRICT;

CREATE TABLE job (
  uuid TEXT PRIMARY KEY,
  experiment TEXT NOT NULL,
  name TEXT NOT NULL,
  spec BLOB NOT NULL,
  request TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  state TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  started_at INTEGER,
  retries INTEGER NOT NULL,
  machine_faults INTEGER NOT NULL,
  avoid TEXT NOT NULL,
  deleting INTEGER NOT NULL,
  events INTEGER NOT NULL
) STRICT;

CREATE TABLE attempt (
  job TEXT NOT NULL,
  number INTEGER NOT NULL,
  state TEXT NOT NULL,
  nodes TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at INTEGER,
  reason TEXT NOT NULL,
  exit_code INTEGER,
  rank_count INTEGER NOT NULL,
  exits TEXT NOT NULL,
  PRIMARY KEY (job, number)
) STRICT;

CREATE TABLE job_event (
  job TEXT NOT NULL,
  number INTEGER NOT NULL,
  at INTEGER NOT NULL,
  message TEXT NOT NULL,
  PRIMARY KEY (job, number)
) STRICT;

CREATE TABLE node (
  uuid TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  address TEXT NOT NULL,
  agent_version TEXT NOT NULL,
  boot_id TEXT NOT NULL,
  inventory TEXT NOT NULL,
  enrolled_at INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  cluster TEXT,
  drained TEXT,
  lost TEXT,
  zombies TEXT NOT NULL
) STRICT;

CREATE TABLE idempotency_key (
  scope TEXT NOT NULL,
  key TEXT NOT NULL,
  digest TEXT NOT NULL,
  resource TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;

-- A key is deleted by the text that the core knows it by.
CREATE INDEX idempotency_key_text ON idempotency_key (scope || ' ' || key);
