-- What is suspected of a job by its GPUs, and how often they were taken from it.
ALTER TABLE job ADD COLUMN watch TEXT;
