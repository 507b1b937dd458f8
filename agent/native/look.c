// `look`: what paths lead to. A line of `DEVICE-INODE PATH` and a zero byte for each that READER can go to: see reader.h.
//
//   look ROOT [READER] PATH…       ROOT: `/`, or the root of a process in a container, which no path leads out of
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "commands.h"
#include "reader.h"
#include "say.h"

static int open_in(int root, const char *path) {
  struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};
  int file = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
  // Kernels before 5.6: what a link in the image leads to is then not found.
  return file >= 0 || errno != ENOSYS ? file : openat(root, *path == '/' ? path + 1 : path, O_PATH | O_CLOEXEC | O_NOFOLLOW);
}

static int open_at(int root, const char *path) { return root < 0 ? open(path, O_PATH | O_CLOEXEC) : open_in(root, path); }

static void look(int root, const char *path) {
  char inside[4200];
  struct stat found;
  // Into a folder, so that it is a volume that is mounted at the first look, and nobody's who can't enter it.
  if ((size_t)snprintf(inside, sizeof inside, "%s/.", path) >= sizeof inside) return;
  int file = open_at(root, inside);
  if (file < 0 && errno == ENOTDIR) file = open_at(root, path);
  if (file < 0) return;
  if (fstat(file, &found) == 0) {
    printf("%llx-%llx %s", (unsigned long long)found.st_dev, (unsigned long long)found.st_ino, path);
    putchar(0);
  }
  close(file);
}

int look_main(int count, char **words) {
  if (count < 1) usage();
  int root = strcmp(words[0], "/") ? open(words[0], O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
  if (root < 0 && strcmp(words[0], "/")) die("%s: %s", words[0], strerror(errno));
  int own = 1 + reader_words_read(count - 1, words + 1);
  reader_begin();
  for (int i = own; i < count; i++) look(root, words[i]);
  return fflush(stdout) ? 1 : 0;
}
