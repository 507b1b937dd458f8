-- Since when a cluster is being deleted.
ALTER TABLE cluster ADD COLUMN deleting_since INTEGER;
