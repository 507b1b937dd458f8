// `enter`: becomes a program inside a container whose holder is given, and stays the child of whoever called it: so ranks in containers are
// found, frozen, killed and waited for like all others, whichever runtime made the container. `hold` is that holder.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "compartment.h"
#include "confine.h"
#include "processes.h"
#include "say.h"

// The exit codes of a shell for what could not be started.
enum { cannot_execute = 126, not_found = 127 };
enum { cap_ipc_lock = 14 };

static const char *const namespaces[] = {"user", "mnt", "uts", "ipc", "net"};
enum { namespace_count = sizeof namespaces / sizeof *namespaces };

struct place {
  pid_t holder;
  unsigned long long start;
  const char *directory;
  // -1 where it is this process's own already.
  int spaces[namespace_count];
  int root;
  unsigned long long capabilities;
};

static _Noreturn void gone(void) {
  say("the job's container is gone");
  exit(cannot_execute);
}

static _Noreturn void refused(const char *what) {
  say("can't enter the job's container: %s: %s", what, strerror(errno));
  exit(cannot_execute);
}

static bool is_own(int file, const char *name) {
  char path[64];
  struct stat own, other;
  snprintf(path, sizeof path, "/proc/self/ns/%s", name);
  return stat(path, &own) == 0 && fstat(file, &other) == 0 && own.st_ino == other.st_ino && own.st_dev == other.st_dev;
}

static unsigned long long capabilities_of(pid_t pid) {
  char path[64], line[256];
  snprintf(path, sizeof path, "/proc/%d/status", pid);
  FILE *file = fopen(path, "re");
  if (!file) gone();
  unsigned long long found = 0;
  bool said = false;
  while (!said && fgets(line, sizeof line, file)) said = sscanf(line, "CapBnd: %llx", &found) == 1;
  fclose(file);
  if (!said) gone();
  return found;
}

static void look_at(struct place *place) {
  char path[64];
  struct process holder;
  for (int i = 0; i < namespace_count; i++) {
    snprintf(path, sizeof path, "/proc/%d/ns/%s", place->holder, namespaces[i]);
    place->spaces[i] = open(path, O_RDONLY | O_CLOEXEC);
    if (place->spaces[i] < 0) gone();
    if (is_own(place->spaces[i], namespaces[i])) place->spaces[i] = -1;
  }
  snprintf(path, sizeof path, "/proc/%d/root", place->holder);
  place->root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (place->root < 0) gone();
  place->capabilities = capabilities_of(place->holder);
  // All of this was of the holder, and not of a process that got its number later.
  if (!process_read(place->holder, &holder) || holder.start != place->start || holder.state == 'Z') gone();
}

static void hide(const char *path) { mount("/dev/null", path, NULL, MS_BIND, NULL); }

static void protect(const char *path) {
  if (mount(path, path, NULL, MS_BIND | MS_REC, NULL) == 0) mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

// All of the machine's processes are to be seen there, and nothing hides any: whoever came before has not done so, and runtimes don't.
static bool shows_others(void) {
  char line[4096], place[1024], kind[64], options[1024];
  bool shows = true;
  FILE *file = fopen("/proc/self/mounts", "re");
  if (!file) return false;
  while (fgets(line, sizeof line, file)) {
    if (sscanf(line, "%*s %1023s %63s %1023s", place, kind, options) != 3) continue;
    // What is mounted last is what is seen. NVIDIA's words for containers are left as they are.
    if (!strcmp(place, "/proc")) shows = !strstr(options, "hidepid=");
    else if (!strncmp(place, "/proc/driver/", sizeof "/proc/driver/" - 1)) shows = false;
  }
  fclose(file);
  return shows;
}

// Some runtimes give the holder process numbers of its own; those of the job are the machine's, and /proc must show them. `own_alone`: and no
// others.
static void see_processes(bool own_alone) {
  char link[32];
  if (readlink("/proc/self", link, sizeof link) > 0 && !(own_alone && shows_others())) return;
  bool seen = own_alone ? hide_processes() == 0 : mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0;
  if (!seen) refused("/proc");
  protect("/proc/sys");
  protect("/proc/irq");
  hide("/proc/kcore");
  hide("/proc/sysrq-trigger");
}

// Root inside may do what the runtime lets the container do, and lock memory, which InfiniBand needs.
static void drop_capabilities(unsigned long long kept) {
  for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++) {
    if (kept >> capability & 1 || capability == cap_ipc_lock) continue;
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0 && errno != EINVAL) refused("capabilities");
  }
}

static void go_in(const struct place *place, bool own_alone) {
  for (int i = 0; i < namespace_count; i++)
    if (place->spaces[i] >= 0 && setns(place->spaces[i], 0) < 0) refused(namespaces[i]);
  if (fchdir(place->root) < 0 || chroot(".") < 0) refused("/");
  // Root of the container, which need not be that of the machine.
  if (place->spaces[0] >= 0 && (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)) refused("root");
  // Never of the machine's own view.
  see_processes(own_alone && place->spaces[1] >= 0);
  if (chdir(place->directory) < 0) refused(place->directory);
  drop_capabilities(place->capabilities);
}

int enter_main(int count, char **words) {
  struct place place = {.directory = "/"};
  const struct confinement *confinement = NULL;
  int at = 0;
  for (; at + 1 < count && strcmp(words[at], "--"); at += 2) {
    char *end = words[at + 1];
    if (!strcmp(words[at], "--holder")) place.holder = (pid_t)strtol(words[at + 1], &end, 10);
    else if (!strcmp(words[at], "--start")) place.start = strtoull(words[at + 1], &end, 10);
    else if (!strcmp(words[at], "--directory")) place.directory = words[at + 1], end = "";
    else if (!strcmp(words[at], "--confine")) confinement = confinement_read(words[at + 1]), end = "";
    else usage();
    if (*end) usage();
  }
  if (place.holder <= 1 || at + 1 >= count || strcmp(words[at], "--")) usage();
  char **command = words + at + 1;
  look_at(&place);
  // From one of the container's own there is no way into another.
  if (confinement && place.spaces[0] < 0) confinement_open(confinement);
  go_in(&place, confinement && confinement->hides);
  if (confinement) {
    confinement_become(confinement);
    // Another account forgets it.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
  }
  execv(command[0], command);
  // Small images have no bash.
  if (errno == ENOENT && !strcmp(command[0], "/bin/bash")) execv(command[0] = "/bin/sh", command);
  int code = errno == ENOENT ? not_found : cannot_execute;
  say("can't start %s in the job's container: %s", command[0], strerror(errno));
  return code;
}

int hold_main(void) {
  for (;;) pause();
}
