// A test of this machine, in a process of its own: it may hang on a broken driver, and is then killed. One line of JSON tells how it went.
#pragma once
#include <stdint.h>

enum { passed = 0, failed = 1, skipped = 3 };

// Prints the line and gives the exit code. `numbers` is the inside of a JSON object.
int tell(int outcome, const char *numbers, const char *format, ...) __attribute__((format(printf, 3, 4)));
double seconds_now(void);
// MiB per second.
double rate(uint64_t bytes, double seconds);
// The first word that is not as it should be; `count` when all are.
uint64_t first_wrong(const uint32_t *words, uint64_t count, uint32_t pattern);

int gpu_main(int count, char **words);
int busy_main(int count, char **words);
int memory_main(int count, char **words);
int serve_main(int count, char **words);
int connect_main(int count, char **words);
int mpi_main(int count, char **words);
