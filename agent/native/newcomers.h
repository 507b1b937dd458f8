// The processes that were born since a moment. A table takes milliseconds to read, and who forks and exits all the time is older than it in a
// fraction of one; numbers are given out in order, so that its latest can be looked up without reading everything.
#pragma once
#include <stdbool.h>
#include <sys/types.h>

#include "processes.h"

// The number that was given out last in this namespace, to a process or a thread; -1 where /proc does not tell.
pid_t newest_pid(void);

enum newcomers { newcomers_none, newcomers_some, newcomers_unknown };

// Adds to the table those that came after `*after` and are alive, chosen when their parent is, and moves `*after` on. The parents of those that
// it chose have been given to `meet` before: a child is either seen here after its parent was met, or never comes to be. Unknown when the
// numbers have begun anew.
enum newcomers table_add_newcomers(struct table *table, pid_t *after, void (*meet)(struct process *, void *), void *context);
