#define _GNU_SOURCE
#include "offspring.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "processes.h"

// The number of those that were to hear it: one that was gone before may have left a child that this look did not see.
static size_t each(struct table *table, int signal) {
  table_read(table);
  struct process *self = table_find(table, getpid());
  if (self) self->chosen = true;
  choose_descendants(table);
  size_t found = 0;
  for (size_t i = 0; i < table->count; i++) {
    struct process *process = &table->rows[i];
    if (!process->chosen || process->pid == getpid() || process->state == 'Z') continue;
    // One that is stopped already can't fork: it is what the others are to become.
    if (signal == SIGSTOP && (process->state == 'T' || process->state == 't')) continue;
    process_signal(process, signal);
    found++;
  }
  return found;
}

void signal_offspring(int signal) {
  struct table table = {0};
  each(&table, signal);
  table_free(&table);
}

static bool none_left(void) {
  for (;;) {
    pid_t pid = waitpid(-1, NULL, WNOHANG);
    if (pid == 0) return false;
    if (pid < 0 && errno != EINTR) return true;
  }
}

void end_offspring(void) {
  struct table table = {0};
  for (unsigned round = 0; !none_left(); round++) {
    // Stopped first, until a look finds nobody who runs: what forks all the time would else be ahead of each look.
    for (int look = 0; look < 50 && each(&table, SIGSTOP) > 0; look++) continue;
    each(&table, SIGKILL);
    // Those in an uninterruptible wait take their time.
    usleep(round < 20 ? 500 : 100000);
  }
  table_free(&table);
}
