// What a process of a lease may not do: it is its submitter's account's, sees a /tmp of its lease alone, gains no privileges, and counts
// against the lease's limits. The agent writes all of that into one file of the lease's spool, which root alone can read:
//
//   uid 1000 | gid 1000 | groups 4 27      the account, by number
//   tmp FOLDER | var-tmp FOLDER            seen as /tmp and /var/tmp
//   among FOLDER | own FOLDER              of the folders below the first this one alone is seen
//   keep FOLDER                            lies below one of these two, and is seen there nevertheless
//   door FOLDER                            seen as /run/stoker
//   group FOLDER                           a control group (version 1) to be joined
//   compartment FOLDER                     of the lease's user namespace
//   hide processes                         of others
//   memlock unlimited
#pragma once
#include <stdbool.h>
#include <sys/types.h>

enum { most_groups = 1024, most_control_groups = 8 };

struct confinement {
  uid_t uid;
  gid_t gid;
  gid_t groups[most_groups];
  int group_count;
  const char *tmp, *var_tmp, *among, *own, *keep, *door;
  const char *control_groups[most_control_groups];
  int control_group_count;
  bool lock_memory, hides;
  const char *compartment;
};

// NULL when `file` is; ends the process when it can't be understood.
const struct confinement *confinement_read(const char *file);

// `--confine FILE`: all of it. `--count FILE`: the control groups alone, for a program that sees to the rest (`enter`).
struct confine_words {
  const struct confinement *confinement;
  bool counts_alone;
};

// The number of words that were its own: 0 or 2.
int confine_words_read(char **words, struct confine_words *into);
// Right before the program; ends the process where something can't be done.
void confine_begin(const struct confine_words *confine);
// The process's output, opened by name as /dev/stdout, is to be the account's.
void confine_give(const struct confine_words *confine, int file);

// Joins the control groups; as root, before all else.
void confinement_count(const struct confinement *confinement);
// Opens what `become` enters, while its path is to be seen.
void confinement_open(const struct confinement *confinement);
// The mounts that only it sees, below the directory in which it is.
void confinement_places(const struct confinement *confinement);
// From here on it is the account's, for good. Each of these ends the process where it can't be done.
void confinement_become(const struct confinement *confinement);
