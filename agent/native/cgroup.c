#define _GNU_SOURCE
#include "cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static bool put(const char *path, const char *name, const char *word) {
  char file[640];
  snprintf(file, sizeof file, "%s/%s", path, name);
  int handle = open(file, O_WRONLY | O_CLOEXEC);
  if (handle < 0) return false;
  bool written = write(handle, word, strlen(word)) == (ssize_t)strlen(word);
  int error = errno;
  close(handle);
  errno = error;
  return written;
}

static bool events_say(const char *path, const char *words) {
  char file[640], text[256] = {0};
  snprintf(file, sizeof file, "%s/cgroup.events", path);
  int handle = open(file, O_RDONLY | O_CLOEXEC);
  if (handle < 0) return false;
  ssize_t length = read(handle, text, sizeof text - 1);
  close(handle);
  return length > 0 && strstr(text, words);
}

bool cgroup_join(const char *path) { return put(path, "cgroup.procs", "0"); }
bool cgroup_set_frozen(const char *path, bool frozen) { return put(path, "cgroup.freeze", frozen ? "1" : "0"); }
bool cgroup_is_frozen(const char *path) { return events_say(path, "frozen 1"); }
bool cgroup_is_empty(const char *path) { return access(path, F_OK) < 0 || events_say(path, "populated 0"); }
bool cgroup_kill(const char *path) { return put(path, "cgroup.kill", "1"); }

// Where version 2 is mounted: the first such line of mountinfo.
static bool find_mount(char *mount, size_t size) {
  FILE *file = fopen("/proc/self/mountinfo", "re");
  if (!file) return false;
  char line[4096], place[1024], root[1024];
  bool found = false;
  while (!found && fgets(line, sizeof line, file)) {
    const char *kind = strstr(line, " - cgroup2 ");
    if (!kind || sscanf(line, "%*d %*d %*s %1023s %1023s", root, place) != 2 || strcmp(root, "/")) continue;
    found = strlen(place) < size;
    if (found) memcpy(mount, place, strlen(place) + 1);
  }
  fclose(file);
  return found;
}

static bool path_of(int pid, char *path, size_t size) {
  char name[64], line[1024];
  snprintf(name, sizeof name, "/proc/%d/cgroup", pid);
  FILE *file = fopen(name, "re");
  if (!file) return false;
  bool found = false;
  while (!found && fgets(line, sizeof line, file)) {
    if (strncmp(line, "0::", 3)) continue;
    line[strcspn(line, "\n")] = 0;
    found = strlen(line + 3) < size;
    if (found) memcpy(path, line + 3, strlen(line + 3) + 1);
  }
  fclose(file);
  return found;
}

bool cgroup_lease_of(int pid, char *lease, unsigned long size) {
  static const char word[] = "/stoker-";
  char path[1024];
  if (!path_of(pid, path, sizeof path)) return false;
  const char *from = NULL;
  // The innermost: the agent's own service has a name that begins like this, too.
  for (const char *next = path; (next = strstr(next, word)); next++) from = next + sizeof word - 1;
  if (!from) return false;
  size_t length = strcspn(from, "/");
  if (length >= size) return false;
  memcpy(lease, from, length);
  lease[length] = 0;
  return true;
}

bool cgroup_is_usable(const char *path, const char **why) {
  char probe[640];
  snprintf(probe, sizeof probe, "%s/stoker-probe-%d", path, getpid());
  *why = "no group can be made in it";
  if (mkdir(probe, 0755) < 0) return false;
  *why = "its groups can't be frozen or killed: the kernel is too old";
  char file[700];
  bool usable = true;
  for (const char *const *name = (const char *const[]){"cgroup.freeze", "cgroup.kill", "cgroup.events", NULL}; *name; name++) {
    snprintf(file, sizeof file, "%s/%s", probe, *name);
    usable = usable && access(file, F_OK) == 0;
  }
  rmdir(probe);
  return usable;
}

bool cgroup_here(char *path, unsigned long size) {
  char mount[256], inside[512];
  if (!find_mount(mount, sizeof mount) || !path_of(getpid(), inside, sizeof inside)) return false;
  return (size_t)snprintf(path, size, "%s%s", mount, inside) < size;
}

bool cgroup_own(char *path, unsigned long size, const char **why) {
  char mount[256], inside[512], word[4];
  *why = "control groups of version 2 are not mounted";
  if (!find_mount(mount, sizeof mount) || !path_of(getpid(), inside, sizeof inside)) return false;
  *why = "the path of its control group is too long";
  if ((size_t)snprintf(path, size, "%s%s", mount, inside) >= size) return false;
  *why = "its control group was not given to it to divide (Delegate=yes)";
  if (getxattr(path, "trusted.delegate", word, sizeof word) != 1 && getxattr(path, "user.delegate", word, sizeof word) != 1) return false;
  return word[0] == '1' && cgroup_is_usable(path, why);
}
