-- SQLite deletes what REPLACE replaces without asking the triggers of DELETE, and a retention that is gone keeps nothing.
CREATE TRIGGER audit_entry_comes_last BEFORE INSERT ON audit_entry
WHEN NEW.entry <= (SELECT max(entry) FROM audit_entry)
BEGIN
  SELECT RAISE(ABORT, 'the audit log is append-only');
END;

CREATE TRIGGER audit_retention_is_one BEFORE INSERT ON audit_retention
BEGIN
  SELECT RAISE(ABORT, 'the retention of the audit log only goes on');
END;

CREATE TRIGGER audit_retention_stays BEFORE DELETE ON audit_retention
BEGIN
  SELECT RAISE(ABORT, 'the retention of the audit log only goes on');
END;
