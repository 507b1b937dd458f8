#define _GNU_SOURCE
#include "remove.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

// Each level keeps a folder open.
enum { deepest = 500 };

static void remove_entry(int parent, const char *name, dev_t device, int depth);

static bool is_namespace(int parent, const char *name) {
  struct statfs status;
  int file = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  bool is = file >= 0 && fstatfs(file, &status) == 0 && status.f_type == NSFS_MAGIC;
  if (file >= 0) close(file);
  return is;
}

static void unmount(int parent, const char *name) {
  char path[4096];
  if (parent == AT_FDCWD) snprintf(path, sizeof path, "%s", name);
  else snprintf(path, sizeof path, "/proc/self/fd/%d/%s", parent, name);
  umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
}

// Takes `folder` over.
static void empty(int folder, dev_t device, int depth) {
  DIR *all = fdopendir(folder);
  if (!all) {
    close(folder);
    return;
  }
  for (struct dirent *entry; (entry = readdir(all));)
    if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) remove_entry(folder, entry->d_name, device, depth);
  closedir(all);
}

static void remove_entry(int parent, const char *name, dev_t device, int depth) {
  if (unlinkat(parent, name, 0) == 0) return;
  // A lease's user namespace is held by a mount.
  if (errno == EBUSY && is_namespace(parent, name)) {
    unmount(parent, name);
    unlinkat(parent, name, 0);
    return;
  }
  int folder = depth > 0 ? openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
  if (folder < 0) return;
  struct stat status;
  if (fstat(folder, &status) < 0 || status.st_dev != device) close(folder);
  else empty(folder, device, depth - 1);
  unlinkat(parent, name, AT_REMOVEDIR);
}

void remove_tree(const char *path) {
  struct stat status;
  if (lstat(path, &status) == 0) remove_entry(AT_FDCWD, path, status.st_dev, deepest);
}
