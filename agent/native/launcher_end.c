#define _GNU_SOURCE
#include "launcher_end.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "processes.h"

// One whose daemon did report is done with it within a second.
enum { grace_ms = 10000, after_term_ms = 3000, look_ms = 200, write_ms = 1000 };

bool is_hydra_daemon(const char *command) { return strstr(command, "pmi_proxy") || strstr(command, "hydra_bstrap_proxy"); }

static bool ends_within(const struct process *process, long ms) {
  for (long waited = 0; waited < ms; waited += look_ms) {
    if (process_is_dead(process)) return true;
    usleep(look_ms * 1000);
  }
  return process_is_dead(process);
}

// Since Linux 5.6; a number that libc may not know yet.
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

// The launcher's standard error itself, so that it writes on behind our words; where that may not be had, the file or pipe anew.
static int error_of(pid_t launcher) {
  int handle = (int)syscall(SYS_pidfd_open, launcher, 0);
  int file = handle < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, handle, 2, 0);
  if (handle >= 0) close(handle);
  if (file >= 0) return file;
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/fd/2", launcher);
  return open(path, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

// Our own is a pipe of the launcher, which waits until nobody holds it any more.
static void tell(pid_t launcher, const char *text) {
  int file = error_of(launcher);
  if (file < 0) return;
  // Nobody may read it any more.
  if (poll(&(struct pollfd){.fd = file, .events = POLLOUT}, 1, write_ms) > 0) {
    ssize_t written = write(file, text, strlen(text));
    (void)written;
  }
  close(file);
}

void launcher_end_later(pid_t launcher, const char *host, int code, const char *reason) {
  struct process process;
  if (!process_read(launcher, &process) || fork() != 0) return;
  setsid();
  for (int number = SIGHUP; number <= SIGTERM; number++) signal(number, SIG_DFL);
  signal(SIGPIPE, SIG_IGN);
  int nothing = open("/dev/null", O_RDWR);
  for (int file = 0; file < 3; file++)
    if (nothing >= 0) dup2(nothing, file);
  if (nothing > 2) close(nothing);
  // The launcher's own pipes may stand behind other numbers.
  for (int file = 3; file < 256; file++) close(file);
  if (ends_within(&process, grace_ms)) _exit(0);
  char text[1024];
  snprintf(text, sizeof text, "stoker-rsh: MPI's daemon on %s ended with exit code %d before it reported to its launcher%s%s; the launcher, which waits for it, is ended\n", host, code, *reason ? ": " : "", reason);
  tell(launcher, text);
  process_signal(&process, SIGTERM);
  if (!ends_within(&process, after_term_ms)) process_signal(&process, SIGKILL);
  _exit(0);
}
