// Every process below this one, orphans included: this process is their subreaper.
#pragma once

void signal_offspring(int signal);
// Kills all of them, however fast they fork, and returns when none is left.
void end_offspring(void);
