// `freezer`: which of the two ways to stop a lease's processes this machine has. The one place that chooses; the fences hold the answer.
#include <stdio.h>
#include <string.h>

#include "cgroup.h"
#include "commands.h"
#include "fence.h"
#include "say.h"

int freezer_main(int count, char **words) {
  if (count != 1) usage();
  char own[cgroup_path_size - 64];
  const char *why = "", *path = words[0];
  if (!strcmp(path, "off")) {
    puts("signals the settings say so");
    return 0;
  }
  if (!strcmp(path, "auto")) {
    if (cgroup_own(own, sizeof own, &why) && !strchr(own, ' ')) printf("cgroup %s\n", own);
    else printf("signals %s\n", why);
    return 0;
  }
  if (path[0] != '/' || strlen(path) >= sizeof own || strpbrk(path, " \n")) die("%s is not a control group's folder", path);
  if (!cgroup_is_usable(path, &why)) die("%s: %s", path, why);
  printf("cgroup %s\n", path);
  return 0;
}
