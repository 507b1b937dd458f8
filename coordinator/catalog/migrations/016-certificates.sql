-- What users show is a token or a certificate.
ALTER TABLE api_token ADD COLUMN kind TEXT NOT NULL DEFAULT 'token';
ALTER TABLE api_token ADD COLUMN certified_until INTEGER;
