// Memory and bandwidth of the GPU that CUDA_VISIBLE_DEVICES names, by libcuda.so.1 alone, which comes with the driver.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

typedef int result;
typedef unsigned long long address;

static struct {
  result (*init)(unsigned);
  result (*get)(int *, int);
  result (*name)(char *, int, int);
  result (*open)(void **, unsigned, int);
  result (*close)(void *);
  result (*info)(size_t *, size_t *);
  result (*alloc)(address *, size_t);
  result (*free)(address);
  result (*host)(void **, size_t);
  result (*set)(address, unsigned, size_t);
  result (*in)(address, const void *, size_t);
  result (*out)(void *, address, size_t);
  result (*within)(address, address, size_t);
  result (*wait)(void);
  result (*error)(result, const char **);
} cuda;

static const struct {
  const char *symbol;
  void **at;
} symbols[] = {
    {"cuInit", (void **)&cuda.init},
    {"cuDeviceGet", (void **)&cuda.get},
    {"cuDeviceGetName", (void **)&cuda.name},
    {"cuCtxCreate_v2", (void **)&cuda.open},
    {"cuCtxDestroy_v2", (void **)&cuda.close},
    {"cuMemGetInfo_v2", (void **)&cuda.info},
    {"cuMemAlloc_v2", (void **)&cuda.alloc},
    {"cuMemFree_v2", (void **)&cuda.free},
    {"cuMemAllocHost_v2", (void **)&cuda.host},
    {"cuMemsetD32_v2", (void **)&cuda.set},
    {"cuMemcpyHtoD_v2", (void **)&cuda.in},
    {"cuMemcpyDtoH_v2", (void **)&cuda.out},
    {"cuMemcpyDtoD_v2", (void **)&cuda.within},
    {"cuCtxSynchronize", (void **)&cuda.wait},
    {"cuGetErrorName", (void **)&cuda.error},
};

static const uint32_t patterns[] = {0x00000000, 0xffffffff, 0xaaaaaaaa, 0x55555555};
enum { block_bytes = 64 << 20, blocks_max = 4096 };
static address blocks[blocks_max];
static int block_count;

static const char *words_of(result code) {
  const char *text = NULL;
  if (cuda.error && !cuda.error(code, &text) && text) return text;
  return "an unknown error";
}

#define MUST(what, call)                                                                     \
  do {                                                                                       \
    result code = (call);                                                                    \
    if (code) return tell(failed, "", "%s failed: %s (%d)", what, words_of(code), code);     \
  } while (0)

static int load(void) {
  const char *path = getenv("STOKER_LIBCUDA");
  void *library = dlopen(path ? path : "libcuda.so.1", RTLD_NOW);
  if (!library) return tell(skipped, "", "there is no libcuda.so.1, which comes with the NVIDIA driver");
  for (size_t at = 0; at < sizeof symbols / sizeof *symbols; at++) {
    *symbols[at].at = dlsym(library, symbols[at].symbol);
    if (!*symbols[at].at) return tell(skipped, "", "libcuda.so.1 has no %s: its driver is too old", symbols[at].symbol);
  }
  return passed;
}

static int read_back(uint32_t *buffer, uint32_t pattern, int block) {
  MUST("reading its memory", cuda.out(buffer, blocks[block], block_bytes));
  uint64_t count = block_bytes / 4, at = first_wrong(buffer, count, pattern);
  if (at < count)
    return tell(failed, "", "its memory gave %08x back for %08x, in block %d at word %llu", buffer[at], pattern, block,
                (unsigned long long)at);
  return passed;
}

static int patterns_hold(uint32_t *buffer, double until, uint64_t *tried) {
  for (size_t each = 0; each < sizeof patterns / sizeof *patterns; each++) {
    for (int block = 0; block < block_count; block++)
      MUST("writing its memory", cuda.set(blocks[block], patterns[each], block_bytes / 4));
    MUST("writing its memory", cuda.wait());
    for (int block = 0; block < block_count; block++) {
      int code = read_back(buffer, patterns[each], block);
      if (code) return code;
      *tried += block_bytes;
      // Each pattern has been to some of the memory, whatever the time.
      if (seconds_now() > until && block >= block_count / 16) break;
    }
  }
  return passed;
}

static int bandwidths(uint32_t *buffer, double rates[3]) {
  enum { rounds = 16 };
  for (int way = 0; way < 3; way++) {
    double begin = seconds_now();
    for (int round = 0; round < rounds; round++) {
      if (way == 0) MUST("copying to it", cuda.in(blocks[0], buffer, block_bytes));
      if (way == 1) MUST("copying from it", cuda.out(buffer, blocks[0], block_bytes));
      if (way == 2) MUST("copying within it", cuda.within(blocks[1], blocks[0], block_bytes));
    }
    MUST("copying", cuda.wait());
    rates[way] = rate((uint64_t)rounds * block_bytes, seconds_now() - begin);
  }
  return passed;
}

static char name[100];
static void *context;

static int open_first(void) {
  int device, code = load();
  if (code) return code;
  MUST("starting CUDA", cuda.init(0));
  MUST("finding the GPU", cuda.get(&device, 0));
  MUST("asking for its name", cuda.name(name, sizeof name, device));
  MUST("opening it", cuda.open(&context, 0, device));
  return passed;
}

// Something to be looked at meanwhile: holds memory, and keeps the GPU at work.
int busy_main(int count, char **words) {
  enum { rounds = 100 };
  if (count != 2) return 2;
  double until = seconds_now() + atof(words[0]);
  size_t bytes = strtoull(words[1], NULL, 10) << 20, free_bytes, total_bytes;
  int code = open_first();
  if (code) return code;
  MUST("asking for its memory", cuda.info(&free_bytes, &total_bytes));
  if (bytes > free_bytes / 2) bytes = free_bytes / 2 & ~(size_t)3;
  MUST("taking its memory", cuda.alloc(&blocks[0], bytes));
  while (seconds_now() < until) {
    for (unsigned round = 0; round < rounds; round++) MUST("writing its memory", cuda.set(blocks[0], round, bytes / 4));
    MUST("writing its memory", cuda.wait());
  }
  MUST("closing it", cuda.close(context));
  return tell(passed, "", "%s was busy with %zu MiB", name, bytes >> 20);
}

int gpu_main(int count, char **words) {
  if (count != 2) return 2;
  double until = seconds_now() + atof(words[0]);
  uint64_t most = strtoull(words[1], NULL, 10) << 20;
  void *buffer;
  int code = open_first();
  if (code) return code;
  MUST("taking memory of the machine", cuda.host(&buffer, block_bytes));
  size_t free_bytes, total_bytes;
  MUST("asking for its memory", cuda.info(&free_bytes, &total_bytes));
  // Some is left for CUDA itself.
  uint64_t wanted = free_bytes / 10 * 9;
  if (most && most < wanted) wanted = most;
  while (block_count < blocks_max && (uint64_t)(block_count + 1) * block_bytes <= wanted && !cuda.alloc(&blocks[block_count], block_bytes))
    block_count++;
  if (block_count < 2) return tell(skipped, "", "%s has too little free memory to test it: %zu MiB", name, free_bytes >> 20);
  uint64_t tried = 0;
  double rates[3];
  if ((code = patterns_hold(buffer, until, &tried)) || (code = bandwidths(buffer, rates))) return code;
  char numbers[300];
  snprintf(numbers, sizeof numbers,
           "\"memoryMiB\":%llu,\"hostToDeviceMiBps\":%.0f,\"deviceToHostMiBps\":%.0f,\"withinDeviceMiBps\":%.0f",
           (unsigned long long)block_count * (block_bytes >> 20), rates[0], rates[1], rates[2] * 2);
  for (int block = 0; block < block_count; block++) MUST("giving memory back", cuda.free(blocks[block]));
  MUST("closing it", cuda.close(context));
  return tell(passed, numbers, "%s: %llu MiB of %zu hold four patterns, %.1f GiB/s to it and %.1f GiB/s from it", name,
              (unsigned long long)block_count * (block_bytes >> 20), total_bytes >> 20, rates[0] / 1024, rates[1] / 1024);
}
