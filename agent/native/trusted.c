#define _GNU_SOURCE
#include "trusted.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "say.h"

enum { most_links = 40 };

static int walk(int at, const char *path, bool make, int links);

// From the folder `at`, which stays open. A link's own words are read from the very link that was looked at.
static int enter(int at, const char *name, bool make, int links) {
  int next = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (next < 0 && errno == ENOENT && make && (mkdirat(at, name, 0755) == 0 || errno == EEXIST)) next = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (next < 0) return -1;
  struct stat found;
  char to[PATH_MAX];
  int error = 0;
  ssize_t length = 0;
  if (fstat(next, &found) < 0) error = errno;
  else if (S_ISDIR(found.st_mode)) return next;
  else if (!S_ISLNK(found.st_mode)) error = ENOTDIR;
  else if ((found.st_uid != 0 && found.st_uid != geteuid()) || links == 0) error = ELOOP;
  else if ((length = readlinkat(next, "", to, sizeof to - 1)) < 0) error = errno;
  close(next);
  if (error) return errno = error, -1;
  to[length] = 0;
  return walk(at, to, make, links - 1);
}

static int walk(int at, const char *path, bool make, int links) {
  char copy[PATH_MAX];
  if ((size_t)snprintf(copy, sizeof copy, "%s", path) >= sizeof copy) return errno = ENAMETOOLONG, -1;
  int folder = openat(at, *path == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  for (char *rest, *name = strtok_r(copy, "/", &rest); folder >= 0 && name; name = strtok_r(NULL, "/", &rest)) {
    int next = enter(folder, name, make, links), error = errno;
    close(folder);
    errno = error;
    folder = next;
  }
  return folder;
}

int trusted_folder(const char *path, bool make) { return walk(AT_FDCWD, path, make, most_links); }

int trusted_file(const char *path) {
  char folder[PATH_MAX];
  const char *slash = strrchr(path, '/');
  if (!slash || (size_t)snprintf(folder, sizeof folder, "%.*s", (int)(slash - path + 1), path) >= sizeof folder) return errno = EINVAL, -1;
  int at = trusted_folder(folder, false);
  if (at < 0) return -1;
  // A pipe would be waited for.
  int file = openat(at, slash + 1, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644), error = errno;
  close(at);
  struct stat found;
  if (file >= 0 && (fstat(file, &found) < 0 || !S_ISREG(found.st_mode) || found.st_nlink != 1)) {
    close(file);
    file = -1;
    error = EPERM;
  }
  errno = error;
  return file;
}

// Everybody may add to it, and take away what is their own. One that root made before, for itself alone, is opened to them.
static void share(const char *path) {
  char name[64];
  struct stat found;
  int folder = trusted_folder(path, true);
  if (folder < 0) return;
  snprintf(name, sizeof name, "/proc/self/fd/%d", folder);
  if (fstat(folder, &found) == 0 && found.st_uid == geteuid() && (found.st_mode & 07777) == 0755 && chmod(name, 01777) < 0) say("%s: %s", path, strerror(errno));
  close(folder);
}

// `folder [--shared LEVEL]… DIR NAME…`: makes it, and the levels above it that others make theirs in. What has these names in it already becomes
// `earlier-NAME`.
int folder_main(int count, char **words) {
  umask(022);
  for (; count >= 2 && !strcmp(words[0], "--shared"); count -= 2, words += 2) share(words[1]);
  if (count < 1) usage();
  int folder = trusted_folder(words[0], true);
  if (folder < 0) die("%s: %s", words[0], errno == ELOOP ? "somebody has put a link in its way" : strerror(errno));
  for (int i = 1; i < count; i++) {
    char earlier[NAME_MAX + 1];
    snprintf(earlier, sizeof earlier, "earlier-%s", words[i]);
    if (renameat(folder, words[i], folder, earlier) < 0 && errno != ENOENT) die("%s: %s", words[i], strerror(errno));
  }
  return 0;
}
