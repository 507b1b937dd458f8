#define _GNU_SOURCE
#include "beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

// For kernels before 5.6: no link at all is followed.
static int walk(int dir, const char *path, int flags) {
  char copy[PATH_MAX];
  if ((size_t)snprintf(copy, sizeof copy, "%s", path) >= sizeof copy) return errno = ENAMETOOLONG, -1;
  int at = dir;
  char *rest = copy;
  for (char *name; at >= 0 && (name = strsep(&rest, "/"));) {
    if (!*name || (!strcmp(name, ".") && rest)) continue;
    int next = -1;
    if (!strcmp(name, "..")) errno = EXDEV;
    else next = openat(at, name, rest ? O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC : flags | O_NOFOLLOW);
    int error = errno;
    if (at != dir) close(at);
    errno = error;
    at = next;
  }
  return at;
}

static int open_how(int dir, const char *path, int flags, unsigned long long resolve) {
  if (path[0] == '/') return errno = EXDEV, -1;
  if (!*path) path = ".";
  flags |= O_CLOEXEC;
  struct open_how how = {.flags = (unsigned)flags, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | resolve};
  for (int tries = 0; tries < 100; tries++) {
    int file = (int)syscall(SYS_openat2, dir, path, &how, sizeof how);
    // EAGAIN: something was renamed on the way, and the kernel can't tell whether the path left the directory.
    if (file >= 0 || errno != EAGAIN) return file >= 0 || (errno != ENOSYS && errno != EPERM) ? file : walk(dir, path, flags);
  }
  return -1;
}

int open_beneath(int dir, const char *path, int flags) { return open_how(dir, path, flags, 0); }
int open_beneath_without_links(int dir, const char *path, int flags) { return open_how(dir, path, flags, RESOLVE_NO_SYMLINKS); }
