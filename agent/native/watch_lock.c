#define _GNU_SOURCE
#include "watch_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "processes.h"
#include "say.h"

enum { seize_tries = 5000 };

int watch_lock_open(const char *data) {
  char path[4096];
  if ((size_t)snprintf(path, sizeof path, "%s/watchdog.lock", data) >= sizeof path) return -1;
  return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

static struct flock whole(short kind) { return (struct flock){.l_type = kind, .l_whence = SEEK_SET}; }

pid_t watch_lock_holder(int lock) {
  struct flock state = whole(F_WRLCK);
  if (fcntl(lock, F_GETLK, &state) < 0 || state.l_type == F_UNLCK) return 0;
  // One that this process can't see, as from another container, has no number here.
  return state.l_pid > 0 ? state.l_pid : -1;
}

bool watch_lock_take(int lock) {
  struct flock state = whole(F_WRLCK);
  return fcntl(lock, F_SETLK, &state) == 0;
}

// The handle is of the process that held the lock after it was got, so never of one that took over the number.
static void kill_holder(int lock) {
  pid_t holder = watch_lock_holder(lock);
  if (holder <= 1) return;
  int handle = (int)syscall(SYS_pidfd_open, holder, 0);
  if (watch_lock_holder(lock) == holder) {
    if (handle >= 0) syscall(SYS_pidfd_send_signal, handle, SIGKILL, NULL, 0);
    else kill(holder, SIGKILL);
  }
  if (handle >= 0) close(handle);
}

bool watch_lock_seize(int lock) {
  for (int try = 0; try < seize_tries; try++) {
    if (watch_lock_take(lock)) return true;
    kill_holder(lock);
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  }
  return false;
}

// As a child of this process's parent: among this process's own it would be frozen and killed with them.
static void start(const char *data) {
  long pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
  if (pid < 0) say("can't start a watchdog: %s", strerror(errno));
  if (pid != 0) return;
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  setsid();
  int null = open("/dev/null", O_RDWR);
  for (int file = 0; file < 3; file++) dup2(null, file);
  if (null > 2) close(null);
  char *const words[] = {"stoker-shim", "watch", "--data", (char *)data, NULL}, *const environment[] = {NULL};
  execve("/proc/self/exe", words, environment);
  _exit(127);
}

void watch_lock_look(int lock, const char *data) {
  pid_t holder = watch_lock_holder(lock);
  struct process process;
  if (holder > 1 && process_read(holder, &process) && (process.state == 'T' || process.state == 't')) {
    kill_holder(lock);
    holder = 0;
  }
  if (holder == 0) start(data);
}
