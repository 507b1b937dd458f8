// `copy`: follows append-only files into others, which may be on storage that is full, gone or hanging. A process of its own, so that
// it can be killed; what a target already holds tells a new one where to go on.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "commands.h"
#include "confine.h"
#include "json.h"
#include "say.h"
#include "trusted.h"

enum { most_pairs = 512, piece_size = 256 * 1024, settle_ms = 10, look_ms = 1000, longest_wait_ms = 5000 };

struct pair {
  const char *from, *to;
  int source, target;
  off_t copied;
  // 0 when all is well.
  int problem;
  long retry_ms;
};

struct job {
  struct pair pairs[most_pairs];
  int count;
  const char *done, *result, *progress;
  const struct confinement *confinement;
  // As root, where others may write.
  bool trusted;
  int watch;
  int told;
};

static void tell(struct job *job, bool complete) {
  if (!job->result) return;
  const struct pair *bad = NULL;
  for (int i = 0; i < job->count && !bad; i++)
    if (job->pairs[i].problem) bad = &job->pairs[i];
  int now = complete ? -1 : bad ? bad->problem : 0;
  if (now == job->told) return;
  struct text text = {0};
  text_add(&text, complete ? "{\"complete\":true,\"problem\":" : "{\"complete\":false,\"problem\":");
  char words[4352] = "";
  if (bad) snprintf(words, sizeof words, "%s: %s", bad->to, strerror(bad->problem));
  json_add_string(&text, words);
  text_add(&text, "}\n");
  char temporary[4096];
  snprintf(temporary, sizeof temporary, "%s.tmp", job->result);
  int file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  // Told again at the next change or look when it can't be written now.
  if (file >= 0 && write(file, text.bytes, text.length) == (ssize_t)text.length && rename(temporary, job->result) == 0) job->told = now;
  if (file >= 0) close(file);
  free(text.bytes);
}

static bool fail(struct pair *pair) {
  pair->problem = errno;
  if (pair->target >= 0) close(pair->target);
  pair->target = -1;
  return false;
}

// The next agent starts another. A change of account makes the kernel forget it.
static void end_with_agent(void) {
  static pid_t agent;
  if (!agent) agent = getppid();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != agent) _exit(137);
}

// Targets are opened as the job's account: a job may have left links among them, and servers may not believe root.
static int open_as(const struct confinement *confinement, bool trusted, const char *path) {
  if (trusted) return trusted_file(path);
  if (confinement) setfsuid(confinement->uid);
  int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644), error = errno;
  if (confinement) setfsuid(0);
  end_with_agent();
  errno = error;
  return file;
}

static bool open_target(const struct job *job, struct pair *pair) {
  pair->target = open_as(job->confinement, job->trusted, pair->to);
  if (pair->target < 0) return fail(pair);
  pair->copied = lseek(pair->target, 0, SEEK_END);
  return pair->copied < 0 ? fail(pair) : true;
}

static void watch_folder_of(struct job *job, const char *path) {
  char copy[4096];
  snprintf(copy, sizeof copy, "%s", path);
  inotify_add_watch(job->watch, dirname(copy), IN_CREATE | IN_MOVED_TO);
}

// False after a problem. An absent source is one that has nothing yet.
static bool copy_what_is_there(struct job *job, struct pair *pair) {
  static char piece[piece_size];
  if (pair->target < 0 && !open_target(job, pair)) return false;
  if (pair->source < 0) {
    pair->source = open(pair->from, O_RDONLY | O_CLOEXEC);
    if (pair->source < 0 && errno != ENOENT) return fail(pair);
    if (pair->source < 0) {
      // Its folder may be there by now.
      watch_folder_of(job, pair->from);
      return true;
    }
    inotify_add_watch(job->watch, pair->from, IN_MODIFY);
  }
  for (;;) {
    ssize_t got = pread(pair->source, piece, sizeof piece, pair->copied);
    if (got < 0) return fail(pair);
    if (got == 0) break;
    ssize_t written = pwrite(pair->target, piece, (size_t)got, pair->copied);
    if (written < 0) return fail(pair);
    pair->copied += written;
  }
  pair->problem = 0;
  pair->retry_ms = 0;
  return true;
}

// A line of fixed length for each pair: what is copied need not stay in the spool.
static void tell_progress(struct job *job) {
  static int file = -1;
  static off_t told = -1;
  off_t sum = 0;
  for (int i = 0; i < job->count; i++) sum += job->pairs[i].copied;
  if (!job->progress || sum == told) return;
  if (file < 0) file = open(job->progress, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  told = sum;
  for (int i = 0; i < job->count; i++) {
    char line[32];
    snprintf(line, sizeof line, "%020lld\n", (long long)job->pairs[i].copied);
    // Not told is no harm: it stays in the spool.
    if (file < 0 || pwrite(file, line, 21, 21 * (off_t)i) < 0) told = -1;
  }
}

static bool sync_target(struct pair *pair) {
  if (fsync(pair->target) == 0) return true;
  // Some file systems of users have none.
  if (errno == EINVAL || errno == ENOSYS) return true;
  return fail(pair);
}

static void wait_for_more(struct job *job, long limit_ms) {
  char events[4096];
  struct pollfd ready = {.fd = job->watch, .events = POLLIN};
  if (poll(&ready, 1, (int)limit_ms) <= 0) return;
  // What is written in one go is copied in one go.
  usleep(settle_ms * 1000);
  while (read(job->watch, events, sizeof events) > 0) continue;
}

static void read_words(struct job *job, int count, char **words) {
  for (int i = 0; i + 1 < count; i += 2) {
    if (!strcmp(words[i], "--done")) job->done = words[i + 1];
    else if (!strcmp(words[i], "--result")) job->result = words[i + 1];
    else if (!strcmp(words[i], "--progress")) job->progress = words[i + 1];
    else if (!strcmp(words[i], "--confine")) job->confinement = confinement_read(words[i + 1]);
    else if (!strcmp(words[i], "--trusted")) job->trusted = true;
    else if (!strcmp(words[i], "--from") && i + 3 < count && !strcmp(words[i + 2], "--to") && job->count < most_pairs) {
      job->pairs[job->count++] = (struct pair){.from = words[i + 1], .to = words[i + 3], .source = -1, .target = -1};
      i += 2;
    } else usage();
  }
  if (count % 2 || job->count == 0) usage();
}

int copy_main(int count, char **words) {
  static struct job job;
  end_with_agent();
  read_words(&job, count, words);
  if (job.confinement) {
    confinement_places(job.confinement);
    // The sources are root's; only the account is taken on for single calls.
    if (setgroups((size_t)job.confinement->group_count, job.confinement->groups) < 0) die("groups: %s", strerror(errno));
    setfsgid(job.confinement->gid);
    end_with_agent();
  }
  job.watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (job.watch < 0) say("no inotify, looking every second: %s", strerror(errno));
  for (int i = 0; i < job.count; i++) watch_folder_of(&job, job.pairs[i].from);
  if (job.done) watch_folder_of(&job, job.done);
  for (;;) {
    // Looked for first: what was written before the marker is then copied below.
    bool last = !job.done || access(job.done, F_OK) == 0;
    bool well = true;
    long wait = look_ms;
    for (int i = 0; i < job.count; i++) {
      struct pair *pair = &job.pairs[i];
      if (copy_what_is_there(&job, pair) && (!last || sync_target(pair))) continue;
      well = false;
      pair->retry_ms = pair->retry_ms == 0 ? 50 : pair->retry_ms < longest_wait_ms ? pair->retry_ms * 2 : longest_wait_ms;
      if (pair->retry_ms < wait) wait = pair->retry_ms;
    }
    tell_progress(&job);
    tell(&job, last && well);
    if (last && well) return 0;
    wait_for_more(&job, wait);
  }
}
