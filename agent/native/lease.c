// `freeze`, `thaw`, `kill`: every process of one lease on this machine, found by its environment and by descent.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "processes.h"
#include "say.h"

enum { most_dirs = 256, most_looks = 200, kill_limit_ms = 10000, shim_limit_ms = 5000 };

// /proc is not read in one moment: a process that forks and exits can be missed by one look, hardly by several.
enum { quiet_looks = 3 };

struct lease {
  char mark[256];
  const char *dirs[most_dirs];
  size_t dir_count;
  struct stat own_program;
};

// True when `STOKER_LEASE=<id>` is one of the process's variables, as they were when its program was started.
static bool carries_mark(pid_t pid, const char *mark) {
  char path[64], text[65536];
  snprintf(path, sizeof path, "/proc/%d/environ", pid);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  size_t wanted = strlen(mark) + 1, kept = 0;
  bool found = false, at_start = true;
  // Read in pieces: an environment may have megabytes. `kept` bytes of an unfinished variable stand at the front.
  for (ssize_t got; !found && (got = read(file, text + kept, sizeof text - kept)) > 0;) {
    size_t length = kept + (size_t)got, from = 0;
    for (char *end; from < length && (end = memchr(text + from, 0, length - from)); from = (size_t)(end - text) + 1, at_start = true)
      if (at_start && (size_t)(end - text) + 1 - from == wanted && !memcmp(text + from, mark, wanted)) found = true;
    kept = length - from;
    if (kept >= wanted) {
      // Too long to be ours: its rest is passed over.
      at_start = false;
      kept = 0;
    }
    memmove(text, text + length - kept, kept);
  }
  close(file);
  return found;
}

// A shim of ours kills what it started and writes the exit down: it is the last to go, and goes by itself.
static bool is_shim(pid_t pid, const struct lease *lease) {
  char path[64], words[64] = {0};
  struct stat program;
  snprintf(path, sizeof path, "/proc/%d/exe", pid);
  if (stat(path, &program) < 0 || program.st_ino != lease->own_program.st_ino || program.st_dev != lease->own_program.st_dev) return false;
  snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  char text[4096] = {0};
  ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  if (length <= 0) return false;
  const char *second = text + strlen(text) + 1;
  if (second >= text + length) return false;
  snprintf(words, sizeof words, "%s", second);
  return !strcmp(words, "run");
}

static void choose_shims(struct table *table, const struct lease *lease) {
  for (size_t i = 0; i < lease->dir_count; i++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/pid", lease->dirs[i]);
    FILE *file = fopen(path, "re");
    if (!file) continue;
    int pid;
    unsigned long long start;
    if (fscanf(file, "%d %llu", &pid, &start) == 2) {
      struct process *shim = table_find(table, pid);
      if (shim && shim->start == start) shim->chosen = true;
    }
    fclose(file);
  }
}

static void choose_all(struct table *table, const struct lease *lease) {
  table_read(table);
  choose_shims(table, lease);
  for (size_t i = 0; i < table->count; i++) {
    struct process *process = &table->rows[i];
    // Kernel threads have no environment, the dead none any more.
    if (process->state != 'Z' && process->parent != 2 && carries_mark(process->pid, lease->mark)) process->chosen = true;
  }
  choose_descendants(table);
  // Neither this process nor those above it: they give the orders.
  for (pid_t pid = getpid(); pid > 1;) {
    struct process *process = table_find(table, pid);
    if (!process) break;
    process->chosen = false;
    pid = process->parent;
  }
}

static bool is_stopped(const struct process *process) { return process->state == 'T' || process->state == 't'; }

enum kind { shims, others };

// Signals those chosen; stopped ones get no further SIGSTOP. The number of those that were to hear it: one that was gone before may have
// left a child that this look did not see.
static size_t signal_chosen(struct table *table, const struct lease *lease, enum kind kind, int signal) {
  size_t found = 0;
  for (size_t i = 0; i < table->count; i++) {
    struct process *process = &table->rows[i];
    if (!process->chosen || process->state == 'Z' || (signal == SIGSTOP && is_stopped(process))) continue;
    if (is_shim(process->pid, lease) != (kind == shims)) continue;
    process_signal(process, signal);
    found++;
  }
  return found;
}

static void nap(long ms) { nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL); }

static long now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// Until a look finds none that runs. The shims come last: as long as they run, what is orphaned meanwhile falls to them, not out of sight.
static bool stop_all(struct table *table, const struct lease *lease, bool with_shims) {
  for (int look = 0, quiet = 0; look < most_looks; look++) {
    choose_all(table, lease);
    size_t found = signal_chosen(table, lease, others, SIGSTOP);
    if (found == 0 && quiet + 1 >= quiet_looks && with_shims) found = signal_chosen(table, lease, shims, SIGSTOP);
    quiet = found == 0 ? quiet + 1 : 0;
    if (quiet >= quiet_looks) return true;
    // One in an uninterruptible wait stops when that ends.
    if (look > 20) nap(5);
  }
  return false;
}

static size_t say_remaining(struct table *table, const char *why) {
  size_t left = 0;
  choose_descendants(table);
  for (size_t i = 0; i < table->count; i++) {
    const struct process *process = &table->rows[i];
    if (!process->chosen || process->state == 'Z') continue;
    say("%s: pid %d (state %c)", why, process->pid, process->state);
    left++;
  }
  return left;
}

static int freeze(struct table *table, const struct lease *lease) {
  if (stop_all(table, lease, true)) return 0;
  choose_all(table, lease);
  for (size_t i = 0; i < table->count; i++)
    if (is_stopped(&table->rows[i])) table->rows[i].chosen = false;
  return say_remaining(table, "still runs") ? 1 : 0;
}

static int thaw(struct table *table, const struct lease *lease) {
  choose_all(table, lease);
  signal_chosen(table, lease, shims, SIGCONT);
  signal_chosen(table, lease, others, SIGCONT);
  // A stop that was given to a process in an uninterruptible wait may have come after the first look.
  choose_all(table, lease);
  for (size_t i = 0; i < table->count; i++)
    if (!is_stopped(&table->rows[i])) table->rows[i].chosen = false;
  signal_chosen(table, lease, shims, SIGCONT);
  signal_chosen(table, lease, others, SIGCONT);
  return 0;
}

static int kill_all(struct table *table, const struct lease *lease) {
  long began = now_ms();
  for (long wait = 1;; wait = wait < 50 ? wait * 2 : 50) {
    stop_all(table, lease, false);
    signal_chosen(table, lease, others, SIGKILL);
    // A frozen shim could not bury its children.
    for (size_t i = 0; i < table->count; i++)
      if (table->rows[i].chosen && is_stopped(&table->rows[i]) && is_shim(table->rows[i].pid, lease))
        process_signal(&table->rows[i], SIGCONT);
    size_t left = 0, orphans_to_be = 0;
    choose_all(table, lease);
    for (size_t i = 0; i < table->count; i++) {
      if (!table->rows[i].chosen || table->rows[i].state == 'Z') continue;
      left++;
      orphans_to_be += !is_shim(table->rows[i].pid, lease);
    }
    if (left == 0) return 0;
    // A shim that stays without anything below it is stuck itself.
    if (orphans_to_be == 0 && now_ms() - began > shim_limit_ms) signal_chosen(table, lease, shims, SIGKILL);
    if (now_ms() - began > kill_limit_ms) return say_remaining(table, "can't be killed") ? 1 : 0;
    nap(wait);
  }
}

int lease_main(const char *command, int count, char **words) {
  struct lease lease = {0};
  if (count % 2) usage();
  for (int i = 0; i < count; i += 2) {
    if (!strcmp(words[i], "--lease") && strlen(words[i + 1]) < 200) snprintf(lease.mark, sizeof lease.mark, "STOKER_LEASE=%s", words[i + 1]);
    else if (!strcmp(words[i], "--dir") && lease.dir_count < most_dirs) lease.dirs[lease.dir_count++] = words[i + 1];
    else usage();
  }
  if (!lease.mark[0] || lease.mark[strlen("STOKER_LEASE=")] == 0) usage();
  if (stat("/proc/self/exe", &lease.own_program) < 0) die("can't read /proc/self/exe: %s", strerror(errno));
  struct table table = {0};
  int code = !strcmp(command, "freeze") ? freeze(&table, &lease) : !strcmp(command, "thaw") ? thaw(&table, &lease) : kill_all(&table, &lease);
  table_free(&table);
  return code;
}
