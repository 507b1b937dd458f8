-- Since when a node is in its cluster, and how often its preparation was to be tried again.
ALTER TABLE node ADD COLUMN membership TEXT;
