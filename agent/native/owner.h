// Which agent of this machine a process belongs to: several may run on one, and have parts of the same lease.
#pragma once
#include <stdbool.h>

#include "processes.h"

enum { socket_size = 128 };

// `spool`: of the agent that asks. `socket`: the process' own STOKER_SOCKET, empty when it has none. True when the process surely is another
// agent's: the shim that it descends from has its folder in another spool, or, without one, another agent here listens on its socket. A
// launcher may have given it the variables of another node: so what can't be told for sure is the asker's.
bool belongs_to_another(struct table *table, const struct process *process, const char *socket, const char *spool);
