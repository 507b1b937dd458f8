-- Users, what they hold, and what was done.
CREATE TABLE user (
  uuid TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  display_name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  administrator INTEGER NOT NULL,
  password_hash TEXT,
  subject TEXT,
  groups TEXT,
  disabled_since INTEGER
) STRICT;

CREATE TABLE api_token (
  uuid TEXT PRIMARY KEY,
  user TEXT NOT NULL,
  name TEXT NOT NULL,
  hash TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  used_at INTEGER
) STRICT;

CREATE TABLE role_assignment (
  user TEXT NOT NULL,
  workspace TEXT NOT NULL,
  role TEXT NOT NULL,
  granted_at INTEGER NOT NULL,
  PRIMARY KEY (user, workspace)
) STRICT, WITHOUT ROWID;

CREATE INDEX role_assignment_text ON role_assignment (user || ' ' || workspace);

ALTER TABLE job ADD COLUMN submitted_by TEXT;

CREATE TABLE audit_entry (
  entry INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  user TEXT NOT NULL,
  credential TEXT NOT NULL,
  verb TEXT NOT NULL,
  target TEXT NOT NULL,
  summary TEXT NOT NULL,
  peer TEXT NOT NULL,
  outcome TEXT NOT NULL
) STRICT;

-- What is older may go: the retention says so before it deletes, and nobody else does.
CREATE TABLE audit_retention (kept_from_entry INTEGER NOT NULL) STRICT;
INSERT INTO audit_retention (kept_from_entry) VALUES (0);

CREATE TRIGGER audit_entry_is_final BEFORE UPDATE ON audit_entry
BEGIN
  SELECT RAISE(ABORT, 'the audit log is append-only');
END;

CREATE TRIGGER audit_entry_stays BEFORE DELETE ON audit_entry
WHEN OLD.entry >= (SELECT kept_from_entry FROM audit_retention)
BEGIN
  SELECT RAISE(ABORT, 'the audit log is append-only');
END;

CREATE TRIGGER audit_retention_goes_on BEFORE UPDATE ON audit_retention
WHEN NEW.kept_from_entry < OLD.kept_from_entry
BEGIN
  SELECT RAISE(ABORT, 'the retention of the audit log only goes on');
END;
