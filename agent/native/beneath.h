// Opens what lies below a directory, and nothing else: no `..`, and no link that leads out of it.
#pragma once
#include <sys/types.h>

// -1 with errno: EXDEV or ELOOP for a path that leads elsewhere. `path` is relative; "" and "." are the directory itself.
int open_beneath(int dir, const char *path, int flags);
// The same, and no link is followed.
int open_beneath_without_links(int dir, const char *path, int flags);
