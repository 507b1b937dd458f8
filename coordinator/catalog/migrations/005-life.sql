-- Which copy of the catalog this is: see core/restored.ts. Its one row is changed by a restore alone.
CREATE TABLE life (
  catalog TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  life TEXT NOT NULL,
  restored_at INTEGER,
  attempts_skipped INTEGER
) STRICT;

INSERT INTO life (catalog, epoch, life) VALUES (lower(hex(randomblob(16))), 1, lower(hex(randomblob(16))));

ALTER TABLE node ADD COLUMN epoch INTEGER;
