#define _GNU_SOURCE
#include "exit_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "say.h"

enum { exit_file_size = 240 };
static const char temporary[] = "exit.tmp";

static int fill(int dir, const char *text, bool safe) {
  char padded[exit_file_size];
  memset(padded, ' ', sizeof padded);
  memcpy(padded, text, strlen(text));
  padded[sizeof padded - 1] = '\n';
  int file = openat(dir, temporary, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0) return -1;
  ssize_t written = pwrite(file, padded, sizeof padded, 0);
  int result = written == (ssize_t)sizeof padded ? 0 : -1;
  if (result == 0 && safe) result = fdatasync(file);
  close(file);
  return result;
}

void exit_file_reserve(int dir) {
  if (fill(dir, "", false) < 0) die("can't reserve the exit file: %s", strerror(errno));
}

void exit_file_write(int dir, int wait_status, const struct written outputs[2], bool safe) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  char text[exit_file_size];
  snprintf(text, sizeof text, "{\"%s\":%d,\"endedAtMs\":%lld,\"bytes\":[%" PRIu64 ",%" PRIu64 "],\"dropped\":[%" PRIu64 ",%" PRIu64 "]}",
           WIFSIGNALED(wait_status) ? "signal" : "code", WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : WEXITSTATUS(wait_status),
           (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000, outputs[0].bytes, outputs[1].bytes, outputs[0].dropped, outputs[1].dropped);
  for (;;) {
    if (fill(dir, text, safe) == 0 && renameat(dir, temporary, dir, "exit") == 0) return;
    // A folder that was taken away has nobody left who would read the file.
    if (errno == ENOENT) return;
    usleep(100000);
  }
}
