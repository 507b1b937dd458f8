-- Values that jobs and clusters refer to by name, sealed.
CREATE TABLE secret (
  workspace TEXT NOT NULL,
  name TEXT NOT NULL,
  sealed TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  PRIMARY KEY (workspace, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX secret_text ON secret (workspace || ' ' || name);

-- The key that all secrets in the catalog are sealed with; no row before they were sealed for the first time.
CREATE TABLE sealing (key TEXT NOT NULL) STRICT;
