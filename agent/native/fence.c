#define _GNU_SOURCE
#include "fence.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cgroup.h"
#include "say.h"

enum { fence_look_ms = 20 };
enum { head_size = 576, line_size = 64, file_size = head_size + 3 * line_size };

static int64_t clock_ms(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t boot_ms(void) { return clock_ms(CLOCK_BOOTTIME); }
int64_t wall_ms(void) { return clock_ms(CLOCK_REALTIME); }

// FNV-1a.
static uint32_t sum_of(const char *text, size_t length) {
  uint32_t sum = 2166136261u;
  for (size_t i = 0; i < length; i++) sum = (sum ^ (unsigned char)text[i]) * 16777619u;
  return sum;
}

static bool is_this_boot(const char *boot) {
  static char own[40];
  if (!own[0]) {
    int file = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? -1 : read(file, own, 36);
    if (file >= 0) close(file);
    // Not known: then every fence counts.
    if (length != 36) own[0] = 0;
  }
  return !own[0] || !strcmp(boot, own);
}

// The text before the sum is what it is the sum of.
static bool read_slot(const char *line, int64_t *deadline, uint64_t *sequence) {
  long long ms;
  unsigned long long number;
  unsigned sum;
  int summed = 0;
  if (line[line_size - 1] != '\n' || sscanf(line, "%lld %llu%n %x", &ms, &number, &summed, &sum) != 3) return false;
  if (sum_of(line, (size_t)summed) != sum) return false;
  *deadline = ms;
  *sequence = number;
  return true;
}

static bool read_head(const char *text, struct fence *fence) {
  char policy[16], boot[40], cgroup[cgroup_path_size], body[head_size];
  unsigned sum;
  if (text[head_size - 1] != '\n') return false;
  if (sscanf(text, "stoker-fence 1 %15s %39s %x %447s", policy, boot, &sum, cgroup) != 4) return false;
  int length = snprintf(body, sizeof body, "%s %s %s", policy, boot, cgroup);
  if (sum_of(body, (size_t)length) != sum) return false;
  fence->policy = !strcmp(policy, "kill") ? fence_kill : !strcmp(policy, "continue") ? fence_continue : fence_freeze;
  fence->same_boot = is_this_boot(boot);
  if (cgroup[0] == '/') memcpy(fence->cgroup, cgroup, sizeof cgroup);
  return true;
}

bool fence_read(int dir, const char *file, struct fence *fence) {
  char text[file_size + 1] = {0};
  *fence = (struct fence){.same_boot = true, .deadline_ms = 0};
  int handle = openat(dir, file, O_RDONLY | O_CLOEXEC);
  if (handle < 0) return errno != ENOENT;
  ssize_t length = pread(handle, text, file_size, 0);
  close(handle);
  if (length < file_size || !read_head(text, fence)) return true;
  uint64_t newest = 0;
  for (int slot = 0; slot < 2; slot++) {
    int64_t deadline;
    uint64_t sequence;
    if (!read_slot(text + head_size + slot * line_size, &deadline, &sequence) || sequence < newest) continue;
    newest = sequence;
    fence->deadline_ms = deadline;
  }
  return true;
}

void fence_pass(const char *file) {
  struct fence fence;
  for (;;) {
    // Its fence is gone: so is the lease.
    if (!fence_read(AT_FDCWD, file, &fence)) _exit(137);
    if (fence.policy == fence_continue || boot_ms() < fence.deadline_ms) break;
    if (fence.policy == fence_kill) _exit(137);
    usleep(fence_look_ms * 1000);
  }
  if (!fence.cgroup[0] || cgroup_join(fence.cgroup)) return;
  say("%s can't be joined: %s", fence.cgroup, strerror(errno));
  _exit(137);
}

void fence_mark(int dir, const char *file, int64_t since_ms) {
  char line[line_size + 1];
  memset(line, ' ', line_size);
  if (since_ms) {
    int length = snprintf(line, sizeof line, "frozen %lld", (long long)since_ms);
    line[length] = ' ';
  }
  line[line_size - 1] = '\n';
  int handle = openat(dir, file, O_WRONLY | O_CLOEXEC);
  if (handle < 0 && errno == ENOENT) return;
  if (handle < 0 || pwrite(handle, line, line_size, head_size + 2 * line_size) != line_size) say("%s: can't mark it: %s", file, strerror(errno));
  if (handle >= 0) close(handle);
}
