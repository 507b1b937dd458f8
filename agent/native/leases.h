// Every process of some leases on this machine: found by its environment, by descent from a shim, and by the lease's control group.
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "processes.h"

struct leases {
  const char *const *names;
  size_t count;
  // Holds a folder for each lease, with those of its shims; NULL when there is none to look into.
  const char *spool;
  // The one lease's group: what is in it is left alone, for it is frozen as a whole. NULL when there is none.
  const char *cgroup;
};

// Shims go on: all they do is to bury what they started and to write its end down. True when nothing else runs any more; false when some are
// still in an uninterruptible wait after that many looks (they stop when it ends), said when `table` is looked at.
bool leases_stop(struct table *table, const struct leases *leases, int most_looks);
void leases_continue(struct table *table, const struct leases *leases);
// Until nothing is left, or for ten seconds. The number of those that are left.
size_t leases_kill(struct table *table, const struct leases *leases);
// Says which of the chosen still run, and returns how many.
size_t leases_say_running(struct table *table, const char *why);
