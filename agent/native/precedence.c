#define _GNU_SOURCE
#include "precedence.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "say.h"

extern const char __executable_start, etext;

void take_precedence(void) {
  // Each as far as it is allowed; a loaded machine then still gives it its turn, and one without memory ends others first. The program's code
  // is brought in as a whole, data as it is used: the other commands' buffers never are.
  if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0 || mlock(&__executable_start, (size_t)(&etext - &__executable_start)) < 0)
    say("may be paged out: %s", strerror(errno));
  setpriority(PRIO_PROCESS, 0, -20);
  struct sched_param turn = {.sched_priority = 1};
  sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &turn);
  int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (file < 0) return;
  if (write(file, "-1000", 5) < 0 && errno != EACCES && errno != EPERM) say("oom_score_adj: %s", strerror(errno));
  close(file);
}
