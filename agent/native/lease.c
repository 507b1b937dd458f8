// `freeze`, `thaw`, `kill`: an order for every process of one lease on this machine.
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "cgroup.h"
#include "commands.h"
#include "leases.h"
#include "say.h"

enum { most_looks = 200 };

static int freeze(struct table *table, const struct leases *lease, const char *cgroup) {
  if (cgroup) cgroup_set_frozen(cgroup, true);
  bool stopped = leases_stop(table, lease, anew, most_looks) || leases_say_running(table, lease, "still runs") == 0;
  return stopped && (!cgroup || cgroup_is_frozen(cgroup) || cgroup_is_empty(cgroup)) ? 0 : 1;
}

static int thaw(struct table *table, const struct leases *lease, const char *cgroup) {
  if (cgroup) cgroup_set_frozen(cgroup, false);
  leases_continue(table, lease, true);
  return 0;
}

int lease_main(const char *command, int count, char **words) {
  const char *name = "", *cgroup = NULL;
  struct leases lease = {.names = &name, .count = 1};
  if (count % 2) usage();
  for (int i = 0; i < count; i += 2) {
    if (!strcmp(words[i], "--lease") && strlen(words[i + 1]) < 64) name = words[i + 1];
    else if (!strcmp(words[i], "--spool")) lease.spool = words[i + 1];
    else if (!strcmp(words[i], "--cgroup")) cgroup = words[i + 1];
    else usage();
  }
  if (!*name) usage();
  struct table table = {0};
  int code = !strcmp(command, "freeze") ? freeze(&table, &lease, cgroup) : !strcmp(command, "thaw") ? thaw(&table, &lease, cgroup) : leases_kill(&table, &lease, cgroup) > 0;
  table_free(&table);
  return code;
}
