#define _GNU_SOURCE
#include "newcomers.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

pid_t newest_pid(void) {
  char text[128];
  int file = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
  if (file < 0) return -1;
  ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  if (length <= 0) return -1;
  text[length] = 0;
  // "0.20 0.18 0.12 1/80 11206": the last word, by proc_loadavg(5).
  const char *word = strrchr(text, ' ');
  int pid = word ? atoi(word) : 0;
  return pid > 0 ? pid : -1;
}

enum newcomers table_add_newcomers(struct table *table, pid_t *after, void (*meet)(struct process *, void *), void *context) {
  pid_t newest = newest_pid();
  if (newest < *after) return newcomers_unknown;
  if (newest == *after) return newcomers_none;
  // In the order of birth: who has died before it was looked at has left its children to somebody who is known.
  for (pid_t pid = *after + 1; pid <= newest; pid++) {
    struct process *process = table_append(table);
    if (!process_read(pid, process)) continue;
    table->count++;
    const struct process *parent = table_find(table, process->parent);
    process->chosen = pid != getpid() && parent && parent->chosen;
    if (process->chosen) meet(process, context);
  }
  *after = newest;
  return newcomers_some;
}
