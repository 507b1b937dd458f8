-- Where a file server is that one of our machines serves, and how it stands with it.
ALTER TABLE file_server ADD COLUMN managed TEXT;
