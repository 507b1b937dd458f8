// `run`: one process in a session of its own, with its output in files; nothing that it starts outlives it, and its end is on disk.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands.h"
#include "confine.h"
#include "exit_file.h"
#include "fence.h"
#include "limits.h"
#include "offspring.h"
#include "processes.h"
#include "relay.h"
#include "say.h"
#include "watch_lock.h"

enum { look_seconds = 1 };

// The lease's fence, in `<data>/fences`; without one nothing is looked after.
struct guard {
  const char *fence;
  char data[4096];
  int lock;
};

static int open_in(int dir, const char *name, int flags) {
  int file = openat(dir, name, flags | O_CLOEXEC, 0644);
  if (file < 0) die("can't open %s: %s", name, strerror(errno));
  return file;
}

// `<data>/fences/<lease>` → `<data>`
static void stand_by(struct guard *guard) {
  snprintf(guard->data, sizeof guard->data, "%s", guard->fence);
  for (int up = 0; up < 2; up++) {
    char *slash = strrchr(guard->data, '/');
    if (!slash) usage();
    *slash = 0;
  }
  guard->lock = watch_lock_open(guard->data);
}

static void close_inherited(void) {
  if (syscall(SYS_close_range, 3, ~0U, 0) == 0) return;
  for (int file = 3; file < 4096; file++) close(file);
}

static void write_pids(int dir, pid_t child) {
  struct process self = {0}, other = {0};
  process_read(getpid(), &self);
  process_read(child, &other);
  int file = open_in(dir, "pid.tmp", O_WRONLY | O_CREAT | O_TRUNC);
  // A full disk leaves it empty: the agent then knows the shim by its command line alone.
  if (dprintf(file, "%d %llu %d %llu\n", getpid(), self.start, child, other.start) < 0) say("can't write pid: %s", strerror(errno));
  close(file);
  if (renameat(dir, "pid.tmp", dir, "pid") < 0) say("can't write pid: %s", strerror(errno));
}

// Should the shim be killed, nobody would see this process end.
static void end_with(pid_t shim) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != shim) _exit(137);
}

static _Noreturn void become(char **words, const struct guard *guard, pid_t shim, const sigset_t *mask, const struct confine_words *confine) {
  setsid();
  end_with(shim);
  if (guard->fence) fence_pass(guard->fence);
  for (int signal = 1; signal < NSIG; signal++)
    if (signal != SIGKILL && signal != SIGSTOP) sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
  sigprocmask(SIG_SETMASK, mask, NULL);
  lower_file_limit();
  confine_begin(confine);
  // Another account forgets it.
  end_with(shim);
  execvp(words[0], words);
  say("%s: %s", words[0], strerror(errno));
  _exit(errno == ENOENT ? 127 : 126);
}

// Takes every child that has ended; true when the main one is among them.
static bool reap(pid_t child, int *child_status) {
  bool ended = false;
  int status;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    if (pid != child) continue;
    *child_status = status;
    ended = true;
  }
  return ended;
}

static int wait_for(pid_t child, const struct guard *guard, const sigset_t *watched) {
  int status = 0;
  while (!reap(child, &status)) {
    int signal = guard->lock < 0 ? sigwaitinfo(watched, NULL) : sigtimedwait(watched, NULL, &(struct timespec){.tv_sec = look_seconds});
    // A watchdog that was killed together with the agent is started again by whichever shim sees it first.
    if (signal < 0 && errno == EAGAIN) watch_lock_look(guard->lock, guard->data);
    if (signal == SIGTERM) signal_offspring(SIGTERM);
    if (signal == SIGQUIT) signal_offspring(SIGKILL);
  }
  return status;
}

int run_main(int count, char **words) {
  if (count < 3 || strcmp(words[0], "--dir")) usage();
  const char *path = words[1];
  struct guard guard = {.lock = -1};
  words += 2;
  if (!strcmp(words[0], "--fence") && words[1]) {
    guard.fence = words[1];
    words += 2;
  }
  struct confine_words confine;
  words += confine_words_read(words, &confine);
  if (words[0] && !strcmp(words[0], "--")) words++;
  if (!words[0]) usage();

  close_inherited();
  if (guard.fence) stand_by(&guard);
  int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir < 0) die("%s: %s", path, strerror(errno));
  if (getsid(0) != getpid() && setsid() < 0 && errno != EPERM) die("setsid: %s", strerror(errno));
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0) die("can't adopt orphans: %s", strerror(errno));
  exit_file_reserve(dir);

  // A node's setup task may start services: they stay when it has ended well. They must not write to our pipes. Nothing of a lease stays.
  bool leave = !guard.fence && getenv("STOKER_LEAVE_OFFSPRING");
  unsetenv("STOKER_LEAVE_OFFSPRING");
  // Bytes that all that is started for the lease on this node may write; whatever is not a number is no limit.
  const char *limit_text = getenv("STOKER_LOG_LIMIT_BYTES");
  uint64_t limit = limit_text ? strtoull(limit_text, NULL, 10) : 0;
  static struct relay output, errors;
  relay_open(&output, dir, "stdout", limit);
  relay_open(&errors, dir, "stderr", limit);
  confine_give(&confine, output.writer);
  confine_give(&confine, errors.writer);
  dup2(open_in(AT_FDCWD, "/dev/null", O_RDONLY), 0);
  // What the shim itself has to say.
  dup2(output.file, 1);
  dup2(errors.file, 2);

  sigset_t watched, before;
  sigemptyset(&watched);
  sigaddset(&watched, SIGCHLD);
  sigaddset(&watched, SIGTERM);
  sigaddset(&watched, SIGQUIT);
  sigprocmask(SIG_BLOCK, &watched, &before);
  signal(SIGINT, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
  // The agent may have had it blocked.
  sigdelset(&before, SIGTERM);
  sigdelset(&before, SIGQUIT);
  sigdelset(&before, SIGCHLD);

  pid_t shim = getpid(), child = fork();
  if (child == 0) {
    dup2(output.writer, 1);
    dup2(errors.writer, 2);
    become(words, &guard, shim, &before, &confine);
  }
  if (child < 0) die("fork: %s", strerror(errno));
  close(output.writer);
  close(errors.writer);
  relay_start(&output);
  relay_start(&errors);
  write_pids(dir, child);

  int status = wait_for(child, &guard, &watched);
  if (!leave || !WIFEXITED(status) || WEXITSTATUS(status) != 0) end_offspring();
  const struct written written[] = {relay_finish(&output), relay_finish(&errors)};
  // Nothing of a lease outlives the machine's own end, and nobody asks then how it ended.
  exit_file_write(dir, status, written, !guard.fence);
  return 0;
}
