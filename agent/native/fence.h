// A fence file: until when a lease's processes may run, as the agent last heard of it. One file a lease, written in place by the agent
// (agent/watchdog/fence-file.ts is the other half of this) and read by whoever must know. Four lines of fixed length:
//
//   head    stoker-fence 1 POLICY BOOT SUM CGROUP      written once, before the file has its name
//   slot    DEADLINE SEQUENCE SUM                      milliseconds of CLOCK_BOOTTIME; the agent writes the older of the two
//   slot
//   mark    frozen SINCE                               the watchdog's word: since when (milliseconds since the epoch), or all blank
//
// A slot whose sum is wrong was being written: the other one counts, which is never later. Without any whole slot the deadline has passed.
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum fence_policy { fence_freeze, fence_kill, fence_continue };

enum { lease_name_size = 64, cgroup_path_size = 448 };

struct fence {
  enum fence_policy policy;
  // False when the machine has been started anew since: nothing of the lease runs.
  bool same_boot;
  int64_t deadline_ms;
  char cgroup[cgroup_path_size];
};

// Of the machine's clock that also counts while it sleeps.
int64_t boot_ms(void);
int64_t wall_ms(void);

// `file` may be longer than a name: it is taken from `dir`. False when there is no such file; one that can't be understood is a fence whose
// deadline has passed.
bool fence_read(int dir, const char *file, struct fence *fence);

// Before a program of the lease: it begins in the lease's group, and not while the lease is over. The watchdog may have looked for its
// processes before this one was there. Ends the process where it can't begin.
void fence_pass(const char *file);

// `since_ms` 0 blanks it. What can't be written is said, no more: the mark is for people, the freeze has happened.
void fence_mark(int dir, const char *file, int64_t since_ms);
