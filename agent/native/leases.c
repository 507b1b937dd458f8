#define _GNU_SOURCE
#include "leases.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cgroup.h"
#include "newcomers.h"
#include "owner.h"
#include "say.h"

enum { kill_limit_ms = 10000, shim_limit_ms = 5000, stop_looks = 200 };

// /proc is not read in one moment, so that a look can miss who forks and exits meanwhile. Newcomers are followed until for a moment nobody on
// this machine forked; where their numbers can't be had, only several looks in a row say that all stand still.
enum { quiet_looks = 2, quiet_looks_blind = 8, pursuit_limit_ms = 20 };

static const char variable[] = "STOKER_LEASE=";
static const char socket_variable[] = "STOKER_SOCKET=";
enum { variable_length = sizeof variable - 1, socket_variable_length = sizeof socket_variable - 1, longest_mark = sizeof socket_variable + socket_size };

static bool is_wanted(const char *entry, size_t length, const struct leases *leases) {
  if (length <= variable_length || memcmp(entry, variable, variable_length)) return false;
  for (size_t i = 0; i < leases->count; i++)
    if (length - variable_length == strlen(leases->names[i]) && !memcmp(entry + variable_length, leases->names[i], length - variable_length)) return true;
  return false;
}

static void keep_socket(const char *entry, size_t length, char socket[socket_size]) {
  if (length <= socket_variable_length || length - socket_variable_length >= socket_size) return;
  if (memcmp(entry, socket_variable, socket_variable_length)) return;
  memcpy(socket, entry + socket_variable_length, length - socket_variable_length);
  socket[length - socket_variable_length] = 0;
}

// True when `STOKER_LEASE=<id>` is one of the process's variables, as they were when its program was started. Its STOKER_SOCKET is put into
// `socket`.
static bool carries_mark(pid_t pid, const struct leases *leases, char socket[socket_size]) {
  char path[64];
  static char text[16384];
  snprintf(path, sizeof path, "/proc/%d/environ", pid);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  size_t kept = 0;
  bool found = false, at_start = true;
  socket[0] = 0;
  // Read in pieces: an environment may have megabytes. `kept` bytes of an unfinished variable stand at the front.
  for (ssize_t got; !(found && socket[0]) && (got = read(file, text + kept, sizeof text - kept)) > 0;) {
    size_t length = kept + (size_t)got, from = 0;
    for (char *end; from < length && (end = memchr(text + from, 0, length - from)); from = (size_t)(end - text) + 1, at_start = true)
      if (at_start) {
        size_t entry = (size_t)(end - text) - from;
        found = found || is_wanted(text + from, entry, leases);
        keep_socket(text + from, entry, socket);
      }
    kept = length - from;
    if (kept >= longest_mark) {
      // Too long to be ours: its rest is passed over.
      at_start = false;
      kept = 0;
    }
    memmove(text, text + length - kept, kept);
  }
  close(file);
  return found;
}

// Not who `/proc/<pid>` itself belongs to: of one that lets nobody trace it that is root.
static bool is_own_account(pid_t pid) {
  char path[64], line[256];
  unsigned uid = 0;
  bool found = false;
  snprintf(path, sizeof path, "/proc/%d/status", pid);
  FILE *file = fopen(path, "re");
  if (!file) return false;
  while (!found && fgets(line, sizeof line, file)) found = sscanf(line, "Uid: %u", &uid) == 1;
  fclose(file);
  return found && uid == getuid();
}

// A rank may run this program, too, and have it do what it likes: one that is another account's is none of ours.
//
// A shim of ours kills what it started and writes the exit down: it is the last to go, and goes by itself.
static bool is_own_shim(pid_t pid) {
  char path[64];
  struct stat own, program;
  snprintf(path, sizeof path, "/proc/%d/exe", pid);
  if (stat("/proc/self/exe", &own) < 0 || stat(path, &program) < 0) return false;
  if (program.st_ino != own.st_ino || program.st_dev != own.st_dev) return false;
  snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  char text[4096] = {0};
  ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  if (length <= 0) return false;
  const char *second = text + strlen(text) + 1;
  return second < text + length && !strcmp(second, "run") && is_own_account(pid);
}

static void choose_shim_of(struct table *table, const char *folder) {
  char path[4200];
  snprintf(path, sizeof path, "%s/pid", folder);
  FILE *file = fopen(path, "re");
  if (!file) return;
  int pid;
  unsigned long long start;
  if (fscanf(file, "%d %llu", &pid, &start) == 2) {
    struct process *shim = table_find(table, pid);
    // Of whatever version: the folder says that it is one.
    if (shim && shim->start == start) shim->chosen = shim->shim = true;
  }
  fclose(file);
}

// Their descendants are found even if they have cleared their environment.
static void choose_shims_in(struct table *table, const char *folder, bool remote) {
  DIR *all = opendir(folder);
  if (!all) return;
  char path[4096];
  for (struct dirent *entry; (entry = readdir(all));) {
    if (entry->d_name[0] == '.') continue;
    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) >= sizeof path) continue;
    if (!remote && !strcmp(entry->d_name, "remote")) choose_shims_in(table, path, true);
    else if (remote || !strcmp(entry->d_name, "preparation") || !strncmp(entry->d_name, "rank-", 5)) choose_shim_of(table, path);
  }
  closedir(all);
}

static bool is_in_own_group(pid_t pid, const struct leases *leases) {
  char lease[64];
  if (!cgroup_lease_of(pid, lease, sizeof lease)) return false;
  for (size_t i = 0; i < leases->count; i++)
    if (!strcmp(leases->names[i], lease)) return true;
  return false;
}

static void choose_all(struct table *table, const struct leases *leases, bool with_folders) {
  table_read(table);
  for (size_t i = 0; with_folders && leases->spool && i < leases->count; i++) {
    char path[4096];
    if ((size_t)snprintf(path, sizeof path, "%s/%s", leases->spool, leases->names[i]) < sizeof path) choose_shims_in(table, path, false);
  }
  for (size_t i = 0; i < table->count; i++) {
    struct process *process = &table->rows[i];
    // Kernel threads have no environment, the dead none any more.
    if (process->chosen || process->state == 'Z' || process->parent == 2) continue;
    char socket[socket_size];
    if (!carries_mark(process->pid, leases, socket)) continue;
    process->chosen = !leases->spool || !belongs_to_another(table, process, socket, leases->spool);
  }
  choose_descendants(table);
  // Neither this process nor those above it: they give the orders.
  for (pid_t pid = getpid(); pid > 1;) {
    struct process *process = table_find(table, pid);
    if (!process) break;
    process->chosen = false;
    pid = process->parent;
  }
  for (size_t i = 0; i < table->count; i++) {
    struct process *process = &table->rows[i];
    if (process->chosen && !process->shim) process->shim = is_own_shim(process->pid);
  }
}

static bool is_stopped(const struct process *process) { return process->state == 'T' || process->state == 't'; }

struct signalling {
  const struct leases *leases;
  int signal;
  // Those that were to hear it: one that was gone before may have left a child that this look did not see.
  size_t heard;
};

// Stopped ones get no further SIGSTOP.
static void signal_one(struct process *process, struct signalling *signalling) {
  if (!process->chosen || process->shim || process->state == 'Z') return;
  bool stop = signalling->signal == SIGSTOP;
  if (stop && (is_stopped(process) || is_in_own_group(process->pid, signalling->leases))) return;
  process_signal(process, signalling->signal);
  // One in an uninterruptible wait stops before its next instruction; a fork that it is in fails for the waiting signal.
  if (!stop || process->state != 'D') signalling->heard++;
}

static size_t signal_chosen(struct table *table, const struct leases *leases, int signal) {
  struct signalling signalling = {.leases = leases, .signal = signal};
  for (size_t i = 0; i < table->count; i++) signal_one(&table->rows[i], &signalling);
  return signalling.heard;
}

static void meet_newcomer(struct process *process, void *context) {
  process->shim = is_own_shim(process->pid);
  signal_one(process, context);
}

static void nap(long ms) { nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL); }

static long now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// Stops what was born since `after`, until for a moment nothing was. True when that moment came and nobody had to be stopped on the way.
static bool none_since(struct table *table, const struct leases *leases, pid_t after) {
  struct signalling signalling = {.leases = leases, .signal = SIGSTOP};
  for (long began = now_ms(); now_ms() - began < pursuit_limit_ms;) {
    switch (table_add_newcomers(table, &after, meet_newcomer, &signalling)) {
      case newcomers_none:
        return signalling.heard == 0;
      case newcomers_unknown:
        return false;
      case newcomers_some:
        break;
    }
  }
  return false;
}

bool leases_stop(struct table *table, const struct leases *leases, enum thoroughness how, int most_looks) {
  for (int look = 0, quiet = 0; look < most_looks; look++) {
    pid_t newest = newest_pid();
    // The first look needs no disk, which may hang.
    choose_all(table, leases, look > 0 || how == again);
    bool none = signal_chosen(table, leases, SIGSTOP) == 0;
    if (newest >= 0) none = none_since(table, leases, newest) && none;
    if (none && how == again && look == 0) return true;
    // The first look saw less than the others; and what one misses on a busy machine, the next must have had time to show.
    quiet = none && look > 0 ? quiet + 1 : 0;
    if (quiet >= (newest >= 0 ? quiet_looks : quiet_looks_blind)) return true;
    if (quiet > 0 || look > 20) nap(look > 20 ? 5 : 1);
  }
  return false;
}

size_t leases_say_running(struct table *table, const struct leases *leases, const char *why) {
  size_t left = 0;
  for (size_t i = 0; i < table->count; i++) {
    const struct process *process = &table->rows[i];
    if (!process->chosen || process->shim || process->state == 'Z' || process->state == 'D' || is_stopped(process)) continue;
    if (is_in_own_group(process->pid, leases)) continue;
    say("%s: pid %d (state %c)", why, process->pid, process->state);
    left++;
  }
  return left;
}

void leases_continue(struct table *table, const struct leases *leases, bool known) {
  // The second time for a stop that was given to a process in an uninterruptible wait, and came after the first look. A shim is among them
  // when an agent of before this rule has stopped it.
  for (int look = 0; look < 2; look++) {
    choose_all(table, leases, true);
    for (size_t i = 0; i < table->count; i++) {
      struct process *process = &table->rows[i];
      bool still = is_stopped(process) || process->state == 'D';
      if (process->chosen && (still || (known && look == 0))) process_signal(process, SIGCONT);
    }
  }
}

size_t leases_kill(struct table *table, const struct leases *leases, const char *cgroup) {
  long began = now_ms();
  // Those in the group at one stroke, and forks with them.
  if (cgroup) cgroup_kill(cgroup);
  for (long wait = 1;; wait = wait < 50 ? wait * 2 : 50) {
    leases_stop(table, leases, anew, stop_looks);
    signal_chosen(table, leases, SIGKILL);
    size_t left = 0, shims = 0;
    choose_all(table, leases, true);
    for (size_t i = 0; i < table->count; i++) {
      struct process *process = &table->rows[i];
      if (!process->chosen || process->state == 'Z') continue;
      left++;
      shims += process->shim;
      // One that was stopped could not bury its children.
      if (process->shim && is_stopped(process)) process_signal(process, SIGCONT);
      // One that stays without anything below it is stuck itself.
      if (process->shim && now_ms() - began > shim_limit_ms) process_signal(process, SIGKILL);
    }
    if (left == 0 && (!cgroup || cgroup_is_empty(cgroup))) return 0;
    if (now_ms() - began > kill_limit_ms) {
      for (size_t i = 0; i < table->count; i++)
        if (table->rows[i].chosen && table->rows[i].state != 'Z') say("can't be killed: pid %d (state %c)", table->rows[i].pid, table->rows[i].state);
      return left > 0 ? left : 1;
    }
    nap(wait);
  }
}
