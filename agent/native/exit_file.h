// The file that tells how a process ended. Its room is taken at the start, so that a full disk can't lose the exit code.
#pragma once

void exit_file_reserve(int dir);
// Retries until it is on the disk.
void exit_file_write(int dir, int wait_status);
