// A user namespace for each lease: the kernel lets no process of another lease trace those in it or read their environment and memory, of the
// same account neither. Accounts have the same numbers within, and nobody has capabilities there, so that all else is as without it.
#pragma once
#include <sys/types.h>

// That of the folder's lease, made by whoever comes first and held by a mount on the folder's `users`; -1 where the kernel allows none (errno).
int compartment_open(const char *folder, uid_t account);

// Shows those who see this mount namespace no processes but those that they may look into; -1 where the kernel can't (errno).
int hide_processes(void);
