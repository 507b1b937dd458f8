#define _GNU_SOURCE
#include "compartment.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands.h"
#include "say.h"

// Who makes a namespace has all capabilities in it, from outside: that is to be nobody who can ever come. One number for each account, because
// the kernel counts there what all of an account's leases use of it, such as inotify instances: as root's they could use up root's own.
enum { most_accounts = 0x0fffffff };
static uid_t maker_of(uid_t account) { return 0xf0000000u | (account & most_accounts); }

static bool keep_capabilities(void) {
  struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
  if (syscall(SYS_capget, &head, sets) < 0) return false;
  for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) sets[i].effective = sets[i].permitted;
  return syscall(SYS_capset, &head, sets) == 0;
}

static int make_within(uid_t account) {
  // What a lease may lock of memory is said elsewhere.
  setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY});
  if (setresuid((uid_t)-1, maker_of(account), (uid_t)-1) < 0 || !keep_capabilities() || unshare(CLONE_NEWUSER) < 0) return errno;
  return 0;
}

static bool put(pid_t child, const char *name, const char *words) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", child, name);
  int file = open(path, O_WRONLY | O_CLOEXEC);
  bool done = file >= 0 && write(file, words, strlen(words)) == (ssize_t)strlen(words);
  int error = errno;
  if (file >= 0) close(file);
  errno = error;
  return done;
}

// `place` NULL: to see whether it can be done. 0, or what was wrong.
static int furnish(pid_t child, const char *place) {
  static const char same[] = "0 0 4294967295";
  char path[64];
  if (!put(child, "uid_map", same) || !put(child, "gid_map", same)) return errno;
  snprintf(path, sizeof path, "/proc/%d/ns/user", child);
  if (place && mount(path, place, NULL, MS_BIND, NULL) < 0) return errno;
  return 0;
}

static int make(const char *place, uid_t account) {
  int made[2], over[2], error = EPIPE;
  if (pipe2(made, O_CLOEXEC) < 0 || pipe2(over, O_CLOEXEC) < 0) return errno;
  pid_t child = fork();
  if (child == 0) {
    close(over[1]);
    error = make_within(account);
    if (write(made[1], &error, sizeof error) == sizeof error && read(over[0], &error, 1) < 0) _exit(1);
    _exit(0);
  }
  if (child < 0) error = errno;
  close(made[1]);
  close(over[0]);
  if (child > 0 && read(made[0], &error, sizeof error) == sizeof error && error == 0) error = furnish(child, place);
  close(made[0]);
  close(over[1]);
  while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR) continue;
  return error;
}

static bool is_namespace(int file) {
  struct statfs status;
  return fstatfs(file, &status) == 0 && status.f_type == NSFS_MAGIC;
}

int compartment_open(const char *folder, uid_t account) {
  char place[4200];
  snprintf(place, sizeof place, "%s/users", folder);
  int lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock < 0 || flock(lock, LOCK_EX) < 0) return -1;
  int file = open(place, O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600), error = errno;
  if (file >= 0 && !is_namespace(file)) {
    close(file);
    error = make(place, account);
    file = error ? -1 : open(place, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  }
  close(lock);
  errno = error;
  return file;
}

int hide_processes(void) {
  // Kernels before 5.8 don't know the word, and there it would be said of all mounts.
  return mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "hidepid=invisible");
}

static int hiding(void) {
  pid_t child = fork();
  if (child == 0) {
    bool done = unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 && hide_processes() == 0;
    _exit(done ? 0 : errno);
  }
  int status;
  if (child < 0 || waitpid(child, &status, 0) < 0) return errno;
  return WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD;
}

static void tell(const char *what, int error) { printf("%s %s\n", what, error ? strerror(error) : "yes"); }

// `apart`: which of the two this machine can do; a line each, `yes` or why not. And whether this program is all there is of it: as root it is given
// a job's variables, of which a dynamic linker would obey LD_PRELOAD.
int apart_main(void) {
  printf("static %s\n", getauxval(AT_BASE) ? "no" : "yes");
  tell("compartments", make(NULL, 1));
  tell("hiding", hiding());
  return 0;
}
