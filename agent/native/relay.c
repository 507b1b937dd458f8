#define _GNU_SOURCE
#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "say.h"

// A full disk may have room again soon: so long its rank waits with its output, then bytes are dropped and counted.
enum { patience_ms = 10000, retry_ms = 100 };

static void name_of(char *path, size_t size, const char *name, const char *ending) { snprintf(path, size, "%s.%s", name, ending); }

static long now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void *map(int dir, const char *path, size_t size) {
  int file = openat(dir, path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  // Its room is taken now: a write to a mapped hole of a full disk would kill us.
  if (file < 0 || (errno = posix_fallocate(file, 0, (off_t)size)) != 0) die("can't make %s: %s", path, strerror(errno));
  void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (bytes == MAP_FAILED) die("can't map %s: %s", path, strerror(errno));
  close(file);
  return bytes;
}

static void open_files(struct relay *relay, int dir, const char *name) {
  char path[64];
  struct stat file;
  name_of(path, sizeof path, name, "pipe");
  if (mkfifoat(dir, path, 0600) < 0 && errno != EEXIST) die("can't make %s: %s", path, strerror(errno));
  relay->name = name;
  relay->piece = malloc(pipe_size);
  if (!relay->piece) die("out of memory");
  relay->reader = openat(dir, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  relay->file = openat(dir, name, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (relay->reader < 0 || relay->file < 0 || fstat(relay->file, &file) < 0) die("can't open %s: %s", name, strerror(errno));
  char last = '\n';
  if (file.st_size > 0 && pread(relay->file, &last, 1, file.st_size - 1) < 0) say("can't read %s: %s", name, strerror(errno));
  relay->in_line = last != '\n';
  name_of(path, sizeof path, name, "tail");
  relay->tail = map(dir, path, sizeof *relay->tail);
}

void relay_open(struct relay *relay, int dir, const char *name, uint64_t limit) {
  char path[64];
  *relay = (struct relay){0};
  open_files(relay, dir, name);
  relay->tail->limit = limit;
  if (limit) relay->used = map(dir, "../log-used", sizeof *relay->used);
  name_of(path, sizeof path, name, "pipe");
  relay->writer = openat(dir, path, O_WRONLY | O_CLOEXEC);
  relay->wake = eventfd(0, EFD_CLOEXEC);
  if (relay->writer < 0 || relay->wake < 0) die("can't open %s: %s", path, strerror(errno));
  // A smaller one will do where that is not allowed.
  fcntl(relay->writer, F_SETPIPE_SZ, pipe_size);
}

static size_t write_some(struct relay *relay, const char *bytes, size_t length) {
  size_t written = 0;
  while (written < length) {
    ssize_t now = write(relay->file, bytes + written, length - written);
    if (now < 0 && errno == EINTR) continue;
    if (now < 0) break;
    written += (size_t)now;
  }
  if (written > 0) relay->in_line = bytes[written - 1] != '\n';
  return written;
}

static bool is_ending(const struct relay *relay) {
  struct pollfd wake = {.fd = relay->wake, .events = POLLIN};
  return poll(&wake, 1, 0) > 0;
}

// A line of our own in the stream. Whatever did not fit on a full disk is written before anything else.
static void say_mark(struct relay *relay, const char *words) {
  relay->mark_length = (size_t)snprintf(relay->mark, sizeof relay->mark, "%s[stoker: %s]\n", relay->in_line ? "\n" : "", words);
  relay->mark_written = 0;
}

static bool flush_mark(struct relay *relay) {
  relay->mark_written += write_some(relay, relay->mark + relay->mark_written, relay->mark_length - relay->mark_written);
  return relay->mark_written == relay->mark_length;
}

static bool flush_marks(struct relay *relay) {
  if (!flush_mark(relay)) return false;
  if (!relay->unmarked) return true;
  char words[128];
  snprintf(words, sizeof words, "%" PRIu64 " bytes dropped: no room on the node's disk", relay->unmarked);
  say_mark(relay, words);
  relay->unmarked = 0;
  return flush_mark(relay);
}

static void keep(struct relay *relay, const char *bytes, size_t length) {
  long until = relay->full ? 0 : now_ms() + patience_ms;
  for (;;) {
    bool marked = flush_marks(relay);
    size_t written = marked ? write_some(relay, bytes, length) : 0;
    bytes += written;
    length -= written;
    relay->full = !marked || length > 0;
    if (length == 0 || now_ms() >= until || is_ending(relay)) break;
    usleep(retry_ms * 1000);
  }
  relay->unmarked += length;
  relay->tail->dropped += length;
}

static void to_tail(struct relay *relay, const char *bytes, size_t length) {
  struct tail *tail = relay->tail;
  for (size_t done = 0; done < length;) {
    size_t at = tail->total % tail_size, now = tail_size - at < length - done ? tail_size - at : length - done;
    uint64_t overwritten = tail->total >= tail_size ? now : 0;
    memcpy(tail->bytes + at, bytes + done, now);
    tail->total += now;
    tail->dropped += overwritten;
    done += now;
  }
}

static const char *size_words(char *words, size_t size, uint64_t bytes) {
  static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  unsigned unit = 0;
  while (unit < 4 && bytes >= 1024 && bytes % 1024 == 0) bytes /= 1024, unit++;
  snprintf(words, size, "%" PRIu64 " %s", bytes, units[unit]);
  return words;
}

static void take(struct relay *relay, const char *bytes, size_t length) {
  struct tail *tail = relay->tail;
  if (tail->total == 0) {
    uint64_t before = relay->used ? __atomic_fetch_add(relay->used, length, __ATOMIC_RELAXED) : 0;
    size_t room = !relay->used ? length : before >= tail->limit ? 0 : tail->limit - before < length ? (size_t)(tail->limit - before) : length;
    if (room > 0) keep(relay, bytes, room);
    if (room == length) return;
    char words[128], size[32];
    snprintf(words, sizeof words, "over the limit of %s (logLimit): from here on only the last %d KiB are kept",
             size_words(size, sizeof size, tail->limit), tail_size / 1024);
    say_mark(relay, words);
    flush_mark(relay);
    bytes += room;
    length -= room;
  }
  to_tail(relay, bytes, length);
}

// What is in the pipe now, up to `most`. False at its end.
static bool drain(struct relay *relay, size_t most) {
  for (size_t taken = 0; taken < most;) {
    ssize_t got = read(relay->reader, relay->piece, pipe_size);
    if (got == 0) return false;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno == EAGAIN;
    take(relay, relay->piece, (size_t)got);
    taken += (size_t)got;
  }
  return true;
}

static void *run(void *argument) {
  struct relay *relay = argument;
  for (;;) {
    struct pollfd ready[] = {{.fd = relay->reader, .events = POLLIN}, {.fd = relay->wake, .events = POLLIN}};
    if (poll(ready, 2, -1) < 0) continue;
    // Somebody who got the pipe in a roundabout way may still write: only what is there now counts.
    if (ready[1].revents) break;
    if (!drain(relay, SIZE_MAX)) break;
  }
  return NULL;
}

void relay_start(struct relay *relay) {
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 512 * 1024);
  int failure = pthread_create(&relay->thread, &small, run, relay);
  if (failure) die("can't start a thread: %s", strerror(failure));
}

// The ring, oldest byte first, after the mark that says what is missing before it.
static void end_tail(struct relay *relay) {
  const struct tail *tail = relay->tail;
  char words[128], size[32];
  uint64_t lost = tail->total > tail_size ? tail->total - tail_size : 0;
  snprintf(words, sizeof words, "%" PRIu64 " bytes dropped: over the limit of %s (logLimit)", lost,
           size_words(size, sizeof size, tail->limit));
  flush_marks(relay);
  if (lost) say_mark(relay, words);
  size_t first = lost ? tail->total % tail_size : 0, length = lost ? tail_size : tail->total;
  keep(relay, tail->bytes + first, length - first);
  keep(relay, tail->bytes, first);
}

static void finish(struct relay *relay) {
  drain(relay, 4 * pipe_size);
  if (relay->tail->finished) return;
  if (relay->tail->total > 0) end_tail(relay);
  flush_marks(relay);
  relay->tail->finished = 1;
}

struct written relay_finish(struct relay *relay) {
  uint64_t one = 1;
  struct stat file;
  if (write(relay->wake, &one, sizeof one) < 0) die("eventfd: %s", strerror(errno));
  pthread_join(relay->thread, NULL);
  finish(relay);
  if (fstat(relay->file, &file) < 0) die("can't look at %s: %s", relay->name, strerror(errno));
  return (struct written){.bytes = (uint64_t)file.st_size, .dropped = relay->tail->dropped};
}

// `salvage`: does what a shim that was killed could not do any more. Whoever calls it has kept the pipes open.
int salvage_main(int count, char **words) {
  static const char *const names[] = {"stdout", "stderr"};
  if (count != 2 || strcmp(words[0], "--dir")) usage();
  int dir = open(words[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir < 0) die("%s: %s", words[1], strerror(errno));
  for (int i = 0; i < 2; i++) {
    struct relay relay = {.wake = eventfd(1, EFD_CLOEXEC)};
    open_files(&relay, dir, names[i]);
    finish(&relay);
  }
  return 0;
}
