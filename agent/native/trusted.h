// Folders and files that root writes where others may write, too: a link is followed only when root, or the agent itself, has made it.
#pragma once
#include <stdbool.h>

// A descriptor of the folder (O_PATH); -1 with errno, which is ELOOP for somebody else's link. `make`: what is missing of it.
int trusted_folder(const char *path, bool make);
// To write; made where it is not there. Of no file that has another name elsewhere.
int trusted_file(const char *path);
