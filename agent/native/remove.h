// Removes a folder with everything in it, or a file: by what they are, never by where a path leads meanwhile, because those that it belongs to
// may still be changing it. Other file systems that are mounted in it are left alone. What can't be removed stays.
#pragma once

void remove_tree(const char *path);
