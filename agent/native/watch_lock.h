// One watchdog for each agent's data folder: it holds the lock of `<data>/watchdog.lock`, and the kernel says who does.
#pragma once
#include <stdbool.h>
#include <sys/types.h>

// The open lock file, or -1. Once open it stays open: closing any handle of it would give this process's lock back.
int watch_lock_open(const char *data);
// The process that holds it, 0 for none, -1 for one that is not known here.
pid_t watch_lock_holder(int lock);
bool watch_lock_take(int lock);
// Kills the holder and takes its place; false when that did not work within some seconds.
bool watch_lock_seize(int lock);

// For whoever lives beside a watchdog: starts one when none is at work. One that was stopped is killed: it would freeze nobody.
void watch_lock_look(int lock, const char *data);
