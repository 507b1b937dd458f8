-- A node that its cluster gives up as soon as nothing runs there.
ALTER TABLE node ADD COLUMN leaving TEXT;
