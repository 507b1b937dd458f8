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

// Each level keeps a folder open. What lies deeper, as a job may make it, is brought up and removed from there.
enum { deepest = 500, most_names = 1000, most_rounds = 10000 };

struct removal {
  dev_t device;
  // The outermost folder; -1 before it is open.
  int top;
  int brought;
};

static void remove_entry(struct removal *removal, int parent, const char *name, int depth);

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
static void empty(struct removal *removal, int folder, int depth) {
  DIR *all = fdopendir(folder);
  if (!all) {
    close(folder);
    return;
  }
  for (struct dirent *entry; (entry = readdir(all));)
    if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) remove_entry(removal, folder, entry->d_name, depth);
  closedir(all);
}

// A folder, to the outermost one, under a name that nothing has there.
static void bring_up(struct removal *removal, int parent, const char *name) {
  char up[32];
  for (int i = 0; i < most_names; i++) {
    snprintf(up, sizeof up, ".brought-up-%d", i);
    if (renameat(parent, name, removal->top, up) == 0) {
      removal->brought++;
      return;
    }
    if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR) return;
  }
}

static void remove_outermost(struct removal *removal, int folder) {
  removal->top = folder;
  // Somebody who is still at work in it gets us to do this no longer than that.
  for (int round = 0; round < most_rounds && (round == 0 || removal->brought > 0); round++) {
    removal->brought = 0;
    // A description of its own: a copy would go on where this one has got to.
    int all = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (all < 0) break;
    empty(removal, all, deepest);
  }
  close(folder);
}

static void remove_entry(struct removal *removal, int parent, const char *name, int depth) {
  if (unlinkat(parent, name, 0) == 0) return;
  // A lease's user namespace is held by a mount.
  if (errno == EBUSY && is_namespace(parent, name)) {
    unmount(parent, name);
    unlinkat(parent, name, 0);
    return;
  }
  int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (folder < 0) return;
  struct stat status;
  if (fstat(folder, &status) < 0 || status.st_dev != removal->device) {
    close(folder);
    return;
  }
  if (depth == 0) {
    close(folder);
    if (unlinkat(parent, name, AT_REMOVEDIR) < 0) bring_up(removal, parent, name);
    return;
  }
  if (removal->top < 0) remove_outermost(removal, folder);
  else empty(removal, folder, depth - 1);
  unlinkat(parent, name, AT_REMOVEDIR);
}

void remove_tree(const char *path) {
  struct stat status;
  if (lstat(path, &status) < 0) return;
  struct removal removal = {.device = status.st_dev, .top = -1};
  remove_entry(&removal, AT_FDCWD, path, deepest);
}
