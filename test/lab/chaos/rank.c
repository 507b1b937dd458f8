// A rank of the chaos run: every 100 ms, or as it is told, it writes a line to a journal that Stoker knows nothing of, and one to its stdout.
//
//   rank FOLDER plain|stubborn|stays LINES EXIT-CODE PADDING [EVERY-MS]
//
// Its journal is FOLDER/<job>.<attempt>.<node>.<rank>.<pid>, a line a write: what, the clock that counts sleep, the wall's clock (both in
// microseconds), and how many bytes of stdout were taken from it so far. `stubborn` ignores SIGTERM. `stays` leaves a process of its own
// session behind that goes on marking.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *folder, *job, *attempt, *node, *rank;
static int journal;
static long long written;
static long every_ms = 100;

static long long us(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static const char *variable(const char *name, const char *otherwise) {
  const char *value = getenv(name);
  return value && *value ? value : otherwise;
}

static void open_journal(void) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s.%s.%s.%s.%d", folder, job, attempt, node, rank, (int)getpid());
  journal = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (journal < 0) {
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    exit(70);
  }
}

static void mark(const char *what) {
  char line[128];
  int length = snprintf(line, sizeof line, "%s %lld %lld %lld\n", what, us(CLOCK_BOOTTIME), us(CLOCK_REALTIME), written);
  if (write(journal, line, (size_t)length) != length) _exit(71);
}

// The checker makes the same line.
static void say(long line, int padding) {
  char text[8192];
  int length = snprintf(text, sizeof text, "%s %s %s %ld %.*s\n", job, attempt, rank, line, padding,
                        // As long as the longest padding.
                        "................................................................................................................................"
                        "................................................................................................................................");
  for (int done = 0; done < length;) {
    ssize_t got = write(1, text + done, (size_t)(length - done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) _exit(72);
    done += (int)got;
    written += got;
  }
}

static void nap(void) { nanosleep(&(struct timespec){.tv_sec = every_ms / 1000, .tv_nsec = every_ms % 1000 * 1000000}, NULL); }

static void leave_one_behind(void) {
  if (fork()) return;
  setsid();
  if (fork()) _exit(0);
  signal(SIGTERM, SIG_IGN);
  close(1);
  close(2);
  written = 0;
  open_journal();
  // Not for ever, should nobody end it.
  for (int i = 0; i < 6000; i++, nap()) mark("stay");
  _exit(0);
}

int main(int count, char **words) {
  if (count != 6 && count != 7) return 64;
  folder = words[1];
  job = variable("STOKER_JOB_ID", "?");
  if (strrchr(job, '/')) job = strrchr(job, '/') + 1;
  attempt = variable("STOKER_ATTEMPT", "?");
  node = variable("STOKER_NODE", "?");
  rank = variable("RANK", "0");
  long lines = atol(words[3]);
  int code = atoi(words[4]), padding = atoi(words[5]);
  if (count == 7) every_ms = atol(words[6]);
  if (!strcmp(words[2], "stubborn")) signal(SIGTERM, SIG_IGN);
  open_journal();
  mark("begin");
  if (!strcmp(words[2], "stays")) leave_one_behind();
  for (long line = 0; line < lines; line++) {
    say(line, padding);
    mark("mark");
    nap();
  }
  char end[32];
  snprintf(end, sizeof end, "end%d", code);
  mark(end);
  return code;
}
