// `devices`: lets a lease's control group (version 2) use no GPU but those of these minor numbers. Everything else stays as permissions say.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "commands.h"
#include "say.h"

// From 254 on they are no GPUs, but what all programs need: nvidia-modeset and nvidiactl.
enum { nvidia_major = 195, first_shared_minor = 254, most_kept = 64, fixed = 11 };

static struct bpf_insn jump(uint8_t how, uint8_t of, int32_t value, int from, int to) {
  return (struct bpf_insn){.code = BPF_JMP | how | BPF_K, .dst_reg = of, .imm = value, .off = (int16_t)(to - from - 1)};
}

static struct bpf_insn load(uint8_t into, size_t field) {
  return (struct bpf_insn){.code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = into, .src_reg = BPF_REG_1, .off = (int16_t)field};
}

static struct bpf_insn set(uint8_t into, int32_t value) { return (struct bpf_insn){.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = into, .imm = value}; }

// Ends with 1, which lets it through, or 0. The number of instructions.
static int write_program(struct bpf_insn *into, const int *kept, int count) {
  int allow = 9 + count, at = 0;
  into[at++] = load(BPF_REG_2, offsetof(struct bpf_cgroup_dev_ctx, access_type));
  into[at++] = (struct bpf_insn){.code = BPF_ALU64 | BPF_AND | BPF_K, .dst_reg = BPF_REG_2, .imm = 0xffff};
  into[at] = jump(BPF_JNE, BPF_REG_2, BPF_DEVCG_DEV_CHAR, at, allow), at++;
  into[at++] = load(BPF_REG_2, offsetof(struct bpf_cgroup_dev_ctx, major));
  into[at] = jump(BPF_JNE, BPF_REG_2, nvidia_major, at, allow), at++;
  into[at++] = load(BPF_REG_2, offsetof(struct bpf_cgroup_dev_ctx, minor));
  into[at] = jump(BPF_JGE, BPF_REG_2, first_shared_minor, at, allow), at++;
  for (int i = 0; i < count; i++, at++) into[at] = jump(BPF_JEQ, BPF_REG_2, kept[i], at, allow);
  into[at++] = set(BPF_REG_0, 0);
  into[at++] = (struct bpf_insn){.code = BPF_JMP | BPF_JA, .off = 1};
  into[at++] = set(BPF_REG_0, 1);
  into[at++] = (struct bpf_insn){.code = BPF_JMP | BPF_EXIT};
  return at;
}

static int call(int command, union bpf_attr *attributes) { return (int)syscall(SYS_bpf, command, attributes, sizeof *attributes); }

int devices_main(int count, char **words) {
  int kept[most_kept];
  struct bpf_insn program[fixed + most_kept];
  if (count < 1 || count - 1 > most_kept) usage();
  for (int i = 1; i < count; i++) kept[i - 1] = atoi(words[i]);
  int length = write_program(program, kept, count - 1);
  int group = open(words[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (group < 0) die("%s: %s", words[0], strerror(errno));
  union bpf_attr of_program = {.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE, .insns = (uintptr_t)program, .insn_cnt = (uint32_t)length, .license = (uintptr_t) "Apache-2.0"};
  int loaded = call(BPF_PROG_LOAD, &of_program);
  if (loaded < 0) die("the kernel takes no rule about devices: %s", strerror(errno));
  union bpf_attr attached = {.target_fd = (uint32_t)group, .attach_bpf_fd = (uint32_t)loaded, .attach_type = BPF_CGROUP_DEVICE, .attach_flags = BPF_F_ALLOW_MULTI};
  if (call(BPF_PROG_ATTACH, &attached) < 0) die("%s takes no rule about devices: %s", words[0], strerror(errno));
  return 0;
}
