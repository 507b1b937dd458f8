-- What failed on a machine, which of its GPUs are still out of service, and how it did in tests.
CREATE TABLE node_health (
  node TEXT PRIMARY KEY,
  failures TEXT NOT NULL,
  out TEXT NOT NULL,
  overlooked TEXT NOT NULL,
  tests TEXT NOT NULL,
  test_count INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
