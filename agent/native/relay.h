// One stream of a rank: a pipe that the rank writes to, and a thread of the shim that brings its bytes into the spool file. So what was
// written can't be taken back (a file would be emptied by `echo > /dev/stderr`), and no rank ever sees a full disk or a limit.
//
// Beyond the limit bytes go round in a ring, of which the end is kept; marks in the stream say what was dropped. The ring and the counts are
// in the file NAME.tail, which outlives the shim; its head is, little endian: limit, bytes that went into the ring, bytes dropped, finished.
#pragma once
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exit_file.h"

enum { tail_size = 64 * 1024, pipe_size = 256 * 1024, mark_size = 192 };

struct tail {
  uint64_t limit, total, dropped, finished;
  char bytes[tail_size];
};

struct relay {
  const char *name;
  // The rank's end of the pipe; the shim closes it once the rank is there.
  int writer;
  int reader, file, wake;
  struct tail *tail;
  char *piece;
  // Bytes that all streams of the lease have written on this node; NULL without a limit.
  uint64_t *used;
  bool in_line;
  // Bytes that were dropped for want of room, and are in no mark yet.
  uint64_t unmarked;
  bool full;
  char mark[mark_size];
  size_t mark_length, mark_written;
  pthread_t thread;
};

// In the folder: the file NAME, the pipe NAME.pipe and NAME.tail. `limit` 0 means none. Dies when they can't be made.
void relay_open(struct relay *relay, int dir, const char *name, uint64_t limit);
void relay_start(struct relay *relay);
// Nobody writes any more: takes what is left in the pipe, and ends the file. What has become of all that was written.
struct written relay_finish(struct relay *relay);
