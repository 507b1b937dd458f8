// `list` and `read`: a directory's entries, or a file's bytes, on stdout. In a process of its own, because a file server may hang, and
// confined: what is asked for lies below BASE, and what was asked of a user below BASE/BELOW.
//
//   list [READER] BASE BELOW PATH MOST AFTER          each entry `<f|d|o> SIZE SECONDS.NANOSECONDS NAME` and a zero byte, by the bytes of their names
//   read [READER] BASE BELOW PATH OFFSET LENGTH HOW   `SIZE SECONDS.NANOSECONDS DEVICE-INODE OFFSET` and a zero byte, then bytes
//
// READER: see reader.h. It counts below BASE, which is the agent's to reach. LENGTH -1: to the end. HOW `follow`: waits for the file and goes on as it grows, until stdin ends. What goes wrong is `!ERRNO-NAME TEXT` and a
// zero byte in place of the first of these, and exit code 1; later, exit code 2 alone.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "beneath.h"
#include "commands.h"
#include "reader.h"
#include "say.h"

enum { look_ms = 200, piece_size = 256 * 1024 };

static bool told;

static const char *name_of(int error) {
  switch (error) {
    case ENOENT: return "ENOENT";
    case ENOTDIR: return "ENOTDIR";
    case EISDIR: return "EISDIR";
    case EACCES: case EPERM: return "EACCES";
    case EXDEV: case ELOOP: return "EXDEV";
    case EINVAL: return "EINVAL";
    case ENAMETOOLONG: return "ENAMETOOLONG";
    default: return "EIO";
  }
}

static _Noreturn void fail(int error, const char *what) {
  if (!told) {
    printf("!%s %s: %s", name_of(error), what, strerror(error));
    putchar(0);
    fflush(stdout);
  }
  _exit(told ? 2 : 1);
}

static int open_below(int dir, const char *path, int flags) {
  return reader_follows_links() ? open_beneath(dir, path, flags) : open_beneath_without_links(dir, path, flags);
}

// -1 with errno: any part may be missing yet.
static int open_place(const char *base, const char *below, const char *path, int flags) {
  reader_end();
  int top = open(base, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (top < 0) return -1;
  reader_begin();
  int place = open_below(top, below, O_PATH | O_DIRECTORY);
  int error = errno;
  close(top);
  errno = error;
  if (place < 0) return -1;
  int file = open_below(place, path, flags);
  error = errno;
  close(place);
  errno = error;
  return file;
}

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void tell_entry(int dir, const char *name) {
  struct stat found;
  if (fstatat(dir, name, &found, AT_SYMLINK_NOFOLLOW) < 0) return;
  if (S_ISLNK(found.st_mode)) {
    int file = open_below(dir, name, O_PATH);
    if (file >= 0) fstat(file, &found);
    if (file >= 0) close(file);
  }
  char type = S_ISREG(found.st_mode) ? 'f' : S_ISDIR(found.st_mode) ? 'd' : 'o';
  printf("%c %lld %lld.%09ld %s", type, type == 'f' ? (long long)found.st_size : 0LL, (long long)found.st_mtim.tv_sec, found.st_mtim.tv_nsec, name);
  putchar(0);
}

int list_main(int count, char **words) {
  int own = reader_words_read(count, words);
  words += own;
  if (count - own != 5) usage();
  long most = strtol(words[3], NULL, 10);
  int dir = open_place(words[0], words[1], words[2], O_RDONLY | O_DIRECTORY);
  DIR *all = dir < 0 ? NULL : fdopendir(dir);
  if (!all) fail(errno, words[2]);
  char **names = NULL;
  size_t used = 0, room = 0;
  for (struct dirent *entry; (entry = readdir(all));) {
    if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") || strcmp(entry->d_name, words[4]) <= 0) continue;
    if (used == room) names = realloc(names, (room = room * 2 + 64) * sizeof *names);
    if (!names || !(names[used++] = strdup(entry->d_name))) die("out of memory");
  }
  if (used) qsort(names, used, sizeof *names, by_bytes);
  for (size_t i = 0; i < used && (long)i < most; i++) tell_entry(dirfd(all), names[i]);
  return fflush(stdout) ? 2 : 0;
}

static void put_all(const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t put = write(1, bytes, length);
    if (put < 0 && errno == EINTR) continue;
    // Nobody reads any more.
    if (put < 0) _exit(0);
    bytes += put;
    length -= (size_t)put;
  }
}

static void tell_head(const struct stat *file, int64_t offset) {
  printf("%lld %lld.%09ld %llx-%llx %lld", (long long)file->st_size, (long long)file->st_mtim.tv_sec, file->st_mtim.tv_nsec, (unsigned long long)file->st_dev, (unsigned long long)file->st_ino, (long long)offset);
  putchar(0);
  fflush(stdout);
  told = true;
}

// From `at` to at most `end`; the position that was reached.
static int64_t tell_bytes(int file, int64_t at, int64_t end) {
  static char piece[piece_size];
  while (at < end) {
    size_t wanted = end - at < piece_size ? (size_t)(end - at) : piece_size;
    ssize_t got = pread(file, piece, wanted, at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(errno, "it can't be read");
    if (got == 0) break;
    put_all(piece, (size_t)got);
    at += got;
  }
  return at;
}

static int open_file(char **words, struct stat *found) {
  // A pipe without a writer would be waited for.
  int file = open_place(words[0], words[1], words[2], O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (file < 0) return -1;
  if (fstat(file, found) == 0 && S_ISREG(found->st_mode)) return file;
  int error = S_ISDIR(found->st_mode) ? EISDIR : EINVAL;
  close(file);
  errno = error;
  return -1;
}

// True when stdin has ended: nobody writes to the file any more.
static bool is_final(void) {
  struct pollfd input = {.fd = 0, .events = POLLIN};
  if (poll(&input, 1, look_ms) <= 0) return false;
  char byte;
  return read(0, &byte, 1) <= 0;
}

static bool is_same(const struct stat *a, const struct stat *b) { return a->st_ino == b->st_ino && a->st_dev == b->st_dev; }

// Opened anew for each look: only so does a file of a server show what other machines have added. A file that has taken the place of the
// first, as the next attempt's does, is read from its beginning, after the rest of that.
static int follow(char **words, int64_t at, int64_t end) {
  int file = -1;
  struct stat known, found;
  for (bool final = false;;) {
    int next = open_file(words, &found);
    if (next < 0 && (errno != ENOENT || (final && file < 0))) fail(errno, words[2]);
    if (next >= 0) {
      if (file < 0) tell_head(&found, at);
      else if (!is_same(&known, &found)) {
        tell_bytes(file, at, end);
        at = 0;
      }
      if (file >= 0) close(file);
      file = next;
      known = found;
    }
    if (file >= 0) at = tell_bytes(file, at, end);
    if (final || at >= end) return 0;
    final = is_final();
  }
}

int read_main(int count, char **words) {
  int own = reader_words_read(count, words);
  words += own;
  if (count - own != 6) usage();
  int64_t from = strtoll(words[3], NULL, 10), length = strtoll(words[4], NULL, 10);
  int64_t end = length < 0 || length > INT64_MAX - from ? INT64_MAX : from + length;
  if (!strcmp(words[5], "follow")) return follow(words, from, end);
  struct stat found;
  int file = open_file(words, &found);
  if (file < 0) fail(errno, words[2]);
  tell_head(&found, from);
  if (end > found.st_size) end = found.st_size;
  // It has become shorter meanwhile.
  return from >= end || tell_bytes(file, from, end) == end ? 0 : 2;
}
