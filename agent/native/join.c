// `join`: becomes a user's command or shell, which lives no longer than the agent; with a fence, as a process of that lease.
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "commands.h"
#include "confine.h"
#include "fence.h"
#include "limits.h"
#include "say.h"

int join_main(int count, char **words) {
  struct confine_words confine;
  int own = count > 0 ? confine_words_read(words, &confine) : 0;
  words += own;
  if (count - own < 3) usage();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (*words[0]) fence_pass(words[0]);
  if (chdir(words[1]) < 0) die("%s: %s", words[1], strerror(errno));
  for (int signal = 1; signal < NSIG; signal++)
    if (signal != SIGKILL && signal != SIGSTOP) sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  lower_file_limit();
  confine_begin(&confine);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  execvp(words[2], words + 2);
  say("%s: %s", words[2], strerror(errno));
  _exit(errno == ENOENT ? 127 : 126);
}
