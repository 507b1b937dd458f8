// The process table, read from /proc as a whole: what is alive, and who started whom.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct process {
  pid_t pid;
  pid_t parent;
  char state;
  // With the pid it names one process for good, however often the number is used again.
  unsigned long long start;
  bool chosen;
  // A `stoker-shim run` among the chosen.
  bool shim;
};

struct table {
  struct process *rows;
  size_t count;
  size_t capacity;
};

void table_read(struct table *table);
// Room for one row more, which counts when `count` is raised. Rows may move.
struct process *table_append(struct table *table);
void table_free(struct table *table);
struct process *table_find(struct table *table, pid_t pid);

// Chooses every descendant of the chosen ones.
void choose_descendants(struct table *table);

// False when there is no such process.
bool process_read(pid_t pid, struct process *process);

// Signals exactly this process, and never one that got its number later. False when it is gone.
bool process_signal(const struct process *process, int signal);

bool process_is_dead(const struct process *process);
