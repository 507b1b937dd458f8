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
};

// A freeze anew looks until several looks in a row find nobody; one that was done before, once.
enum thoroughness { anew, again };

// Shims go on: all they do is to bury what they started and to write its end down. True when nothing else runs any more, false when some do
// after that many looks. What is in a lease's own group is left alone: that is frozen as a whole.
bool leases_stop(struct table *table, const struct leases *leases, enum thoroughness how, int most_looks);
// `known`: that they were stopped by this process. Otherwise only those are continued that are seen to stand still.
void leases_continue(struct table *table, const struct leases *leases, bool known);
// Until nothing is left, in the control group (NULL for none) neither, or for ten seconds. The number of those that are left.
size_t leases_kill(struct table *table, const struct leases *leases, const char *cgroup);
// Says which of the chosen still run, and returns how many.
size_t leases_say_running(struct table *table, const struct leases *leases, const char *why);
