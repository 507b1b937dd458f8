// For the watchdog: its turn, and its memory, before anybody else's.
#pragma once

void take_precedence(void);
