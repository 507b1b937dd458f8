#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "test.h"

static const char *name_of(int outcome) { return outcome == passed ? "passed" : outcome == skipped ? "skipped" : "failed"; }

int tell(int outcome, const char *numbers, const char *format, ...) {
  char message[400];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  for (char *at = message; *at; at++)
    if (*at == '"' || *at == '\\' || (unsigned char)*at < ' ') *at = ' ';
  printf("{\"outcome\":\"%s\",\"message\":\"%s\",\"numbers\":{%s}}\n", name_of(outcome), message, numbers);
  fflush(stdout);
  return outcome;
}

double seconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double rate(uint64_t bytes, double seconds) { return seconds > 0 ? (double)bytes / 1048576.0 / seconds : 0; }

uint64_t first_wrong(const uint32_t *words, uint64_t count, uint32_t pattern) {
  for (uint64_t at = 0; at < count; at++)
    if (words[at] != pattern) return at;
  return count;
}

int main(int count, char **words) {
  // Whoever started it waits no longer than that.
  const char *limit = getenv("STOKER_TEST_SECONDS");
  alarm(limit ? (unsigned)atoi(limit) : 900);
  const char *what = count > 1 ? words[1] : "";
  if (!strcmp(what, "gpu")) return gpu_main(count - 2, words + 2);
  if (!strcmp(what, "busy")) return busy_main(count - 2, words + 2);
  if (!strcmp(what, "memory")) return memory_main(count - 2, words + 2);
  if (!strcmp(what, "serve")) return serve_main(count - 2, words + 2);
  if (!strcmp(what, "mpi")) return mpi_main(count - 2, words + 2);
  if (!strcmp(what, "connect")) return connect_main(count - 2, words + 2);
  fprintf(stderr, "stoker-node-test gpu SECONDS MIB | busy SECONDS MIB | memory MIB | serve | connect HOST PORT SECONDS | mpi FLAVOUR SECONDS FOLDER\n");
  return 2;
}
