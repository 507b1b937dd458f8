#define _GNU_SOURCE
#include "owner.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { longest_line = 4200, most_ancestors = 1000 };

// The words of `stoker-shim run --dir DIR …`; NULL when the process is no such shim.
static const char *folder_of_shim(pid_t pid) {
  static char text[longest_line];
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return NULL;
  ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  if (length <= 0) return NULL;
  text[length] = 0;
  const char *words[4] = {text};
  for (int i = 1; i < 4; i++) {
    words[i] = words[i - 1] + strlen(words[i - 1]) + 1;
    if (words[i] >= text + length) return NULL;
  }
  const char *name = strrchr(words[0], '/');
  bool shim = !strcmp(name ? name + 1 : words[0], "stoker-shim") && !strcmp(words[1], "run") && !strcmp(words[2], "--dir");
  return shim ? words[3] : NULL;
}

static bool is_below(const char *path, const char *folder) {
  size_t length = strlen(folder);
  while (length > 1 && folder[length - 1] == '/') length--;
  return !strncmp(path, folder, length) && path[length] == '/';
}

// From the kernel, because a look at the path itself can hang on a dead file server.
static bool is_listened_on(const char *socket) {
  FILE *file = fopen("/proc/net/unix", "re");
  if (!file) return false;
  char line[512];
  size_t length = strlen(socket);
  bool found = false;
  while (!found && fgets(line, sizeof line, file)) {
    size_t end = strcspn(line, "\n");
    found = end > length && line[end - length - 1] == ' ' && !memcmp(line + end - length, socket, length);
  }
  fclose(file);
  return found;
}

// As the agent names it when the path is not too long: beside its spool.
static bool is_beside(const char *socket, const char *spool) {
  size_t length = strlen(spool);
  while (length > 1 && spool[length - 1] == '/') length--;
  while (length > 0 && spool[length - 1] != '/') length--;
  return !strncmp(socket, spool, length) && !strcmp(socket + length, "agent.sock");
}

bool belongs_to_another(struct table *table, const struct process *process, const char *socket, const char *spool) {
  int steps = 0;
  for (const struct process *at = process; at && at->pid > 1 && steps < most_ancestors; at = table_find(table, at->parent), steps++) {
    const char *folder = folder_of_shim(at->pid);
    if (folder) return !is_below(folder, spool);
  }
  const char *name = strrchr(socket, '/');
  if (!name || strcmp(name, "/agent.sock") || is_beside(socket, spool)) return false;
  return is_listened_on(socket);
}
