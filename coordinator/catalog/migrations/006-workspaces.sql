-- Limits of a workspace; since when it, an experiment or a job is being deleted.
ALTER TABLE workspace ADD COLUMN quota TEXT;
ALTER TABLE workspace ADD COLUMN deleting_since INTEGER;
ALTER TABLE experiment ADD COLUMN deleting_since INTEGER;
ALTER TABLE job ADD COLUMN deleting_since INTEGER;

-- Other names of machine classes, in lower case, and as they were written.
CREATE TABLE machine_class_alias (
  alias TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  machine_class TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
