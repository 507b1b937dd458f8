#define _GNU_SOURCE
#include "processes.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "say.h"

bool process_read(pid_t pid, struct process *process) {
  char path[64], text[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  if (length <= 0) return false;
  text[length] = 0;
  // The name stands in brackets and may itself hold brackets and blanks: what follows the last one is safe to read.
  const char *rest = strrchr(text, ')');
  if (!rest) return false;
  int parent;
  *process = (struct process){.pid = pid};
  if (sscanf(rest + 1, " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &process->state, &parent,
             &process->start) != 3)
    return false;
  process->parent = parent;
  return true;
}

struct process *table_append(struct table *table) {
  if (table->count == table->capacity) {
    table->capacity = table->capacity ? table->capacity * 2 : 512;
    table->rows = realloc(table->rows, table->capacity * sizeof *table->rows);
    if (!table->rows) die("out of memory");
  }
  return &table->rows[table->count];
}

void table_read(struct table *table) {
  table->count = 0;
  DIR *all = opendir("/proc");
  if (!all) die("can't read /proc: %s", strerror(errno));
  struct dirent *entry;
  while ((entry = readdir(all))) {
    if (!isdigit((unsigned char)entry->d_name[0])) continue;
    if (process_read(atoi(entry->d_name), table_append(table))) table->count++;
  }
  closedir(all);
}

void table_free(struct table *table) {
  free(table->rows);
  *table = (struct table){0};
}

struct process *table_find(struct table *table, pid_t pid) {
  for (size_t i = 0; i < table->count; i++)
    if (table->rows[i].pid == pid) return &table->rows[i];
  return NULL;
}

static int by_pid(const void *left, const void *right) {
  return ((const struct process *)left)->pid - ((const struct process *)right)->pid;
}

void choose_descendants(struct table *table) {
  qsort(table->rows, table->count, sizeof *table->rows, by_pid);
  // Each round reaches one generation further; pids wrap around, so that order alone is not enough.
  for (bool more = true; more;) {
    more = false;
    for (size_t i = 0; i < table->count; i++) {
      struct process *process = &table->rows[i];
      if (process->chosen) continue;
      struct process key = {.pid = process->parent};
      const struct process *parent = bsearch(&key, table->rows, table->count, sizeof key, by_pid);
      if (parent && parent->chosen) process->chosen = more = true;
    }
  }
}

bool process_signal(const struct process *process, int signal) {
  int handle = (int)syscall(SYS_pidfd_open, process->pid, 0);
  if (handle < 0 && errno == ESRCH) return false;
  struct process now;
  bool same = process_read(process->pid, &now) && now.start == process->start;
  bool sent = false;
  // Kernels before 5.3 have no handles: then the moment between the look and the signal is all that is left to chance.
  if (same) sent = (handle >= 0 ? syscall(SYS_pidfd_send_signal, handle, signal, NULL, 0) : kill(process->pid, signal)) == 0;
  if (handle >= 0) close(handle);
  return sent;
}

bool process_is_dead(const struct process *process) {
  struct process now;
  return !process_read(process->pid, &now) || now.start != process->start || now.state == 'Z' || now.state == 'X';
}
