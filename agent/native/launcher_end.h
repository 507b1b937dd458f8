#pragma once
#include <stdbool.h>
#include <sys/types.h>

// MPICH's launcher waits for ever for a daemon that never reported to it. In the background: when `launcher` still runs some seconds after its
// daemon on `host` has ended with `code`, it is told why on its standard error, and ended. `reason`: of the start's refusal; may be "".
void launcher_end_later(pid_t launcher, const char *host, int code, const char *reason);

// The command of such a daemon.
bool is_hydra_daemon(const char *command);
