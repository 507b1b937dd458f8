// A part of the machine's own memory.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

static const uint32_t patterns[] = {0x00000000, 0xffffffff, 0xaaaaaaaa, 0x55555555};

int memory_main(int count, char **words) {
  if (count != 1) return 2;
  uint64_t bytes = strtoull(words[0], NULL, 10) << 20, length = bytes / 4;
  uint32_t *block = malloc(bytes), *other = malloc(bytes);
  if (!block || !other) return tell(skipped, "", "there are not %s MiB of memory to be had twice", words[0]);
  for (size_t each = 0; each < sizeof patterns / sizeof *patterns; each++) {
    for (uint64_t at = 0; at < length; at++) ((volatile uint32_t *)block)[at] = patterns[each];
    uint64_t at = first_wrong(block, length, patterns[each]);
    if (at < length)
      return tell(failed, "", "the machine's memory gave %08x back for %08x, at word %llu of %llu", block[at], patterns[each],
                  (unsigned long long)at, (unsigned long long)length);
  }
  enum { rounds = 8 };
  memcpy(other, block, bytes);
  double begin = seconds_now();
  for (int round = 0; round < rounds; round++) {
    memcpy(round % 2 ? other : block, round % 2 ? block : other, bytes);
    // Else nothing need be copied at all.
    ((volatile uint32_t *)block)[round] = (uint32_t)round;
  }
  double copied = rate((uint64_t)rounds * bytes, seconds_now() - begin);
  char numbers[100];
  snprintf(numbers, sizeof numbers, "\"memoryMiB\":%s,\"copyMiBps\":%.0f", words[0], copied);
  return tell(passed, numbers, "%s MiB of the machine's memory hold four patterns, and are copied at %.1f GiB/s", words[0],
              copied / 1024);
}
