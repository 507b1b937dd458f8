// `release`: takes the limits away from the groups below this unit's own, right after the agent has ended: systemd can start the next one in a
// group only that gives its children no limits (version 2 allows no processes in another). The next agent sets them again.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"
#include "commands.h"
#include "say.h"

static const char *const controllers[] = {"-memory", "-cpu", "-pids", NULL};

int release_main(void) {
  char path[1024], file[1100];
  if (!cgroup_here(path, sizeof path)) return 0;
  // systemd runs what it runs beside the agent in a group of its own.
  size_t length = strlen(path), end = sizeof "/.control" - 1;
  if (length > end && !strcmp(path + length - end, "/.control")) path[length - end] = 0;
  snprintf(file, sizeof file, "%s/cgroup.subtree_control", path);
  int handle = open(file, O_WRONLY | O_CLOEXEC);
  if (handle < 0) die("%s: %s", file, strerror(errno));
  for (int i = 0; controllers[i]; i++)
    if (write(handle, controllers[i], strlen(controllers[i])) < 0 && errno != EINVAL) say("%s: %s: %s", file, controllers[i], strerror(errno));
  close(handle);
  return 0;
}
