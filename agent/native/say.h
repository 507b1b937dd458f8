// Words for whoever reads standard error; each ends with a newline of its own.
#pragma once

void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
// Says it and exits with 1.
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void usage(void);
