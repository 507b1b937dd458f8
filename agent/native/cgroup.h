// One lease's control group, below the agent's own: version 2 of them, with its freezer. Nothing that is forked in it is ever outside.
#pragma once
#include <stdbool.h>

// For the calling process. False when it can't be.
bool cgroup_join(const char *path);
// Orders it; how far that has come is in `cgroup_is_frozen`.
bool cgroup_set_frozen(const char *path, bool frozen);
bool cgroup_is_frozen(const char *path);
bool cgroup_is_empty(const char *path);
// True when every process in it has got SIGKILL, frozen ones too.
bool cgroup_kill(const char *path);
// The lease in whose group, `…/stoker-LEASE` or below, the process is; false when it is in none.
bool cgroup_lease_of(int pid, char *lease, unsigned long size);

// The folder of the group of version 2 that holds this process; false when there is none.
bool cgroup_here(char *path, unsigned long size);
// The group that holds this process, when it was given to it to divide (systemd's Delegate=yes); otherwise false, and why not.
bool cgroup_own(char *path, unsigned long size, const char **why);
// True when the folder is one whose children can be frozen and killed.
bool cgroup_is_usable(const char *path, const char **why);
