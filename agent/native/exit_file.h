// The file that tells how a process ended, and what it has written. Its room is taken at the start, so that a full disk can't lose the exit code.
#pragma once
#include <stdbool.h>
#include <stdint.h>

// Of stdout and stderr: the bytes in the file, and those that are missing in it.
struct written {
  uint64_t bytes, dropped;
};

void exit_file_reserve(int dir);
// Retries until it is written; `safe`: until it would outlive a power cut, too.
void exit_file_write(int dir, int wait_status, const struct written outputs[2], bool safe);
