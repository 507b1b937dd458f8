#define _GNU_SOURCE
#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "commands.h"
#include "compartment.h"
#include "say.h"

enum { longest_file = 64 * 1024, cannot_execute = 126 };

static _Noreturn void refused(const char *what) {
  say("can't begin as the job's account: %s: %s", what, strerror(errno));
  _exit(cannot_execute);
}

static _Noreturn void senseless(const char *file, const char *line) { die("%s makes no sense: %s", file, line); }

static unsigned long number(const char *file, const char *text) {
  char *end;
  errno = 0;
  unsigned long value = strtoul(text, &end, 10);
  // Never root: whoever is to be root is not confined.
  if (errno || end == text || *end || value == 0 || value >= 0xffffffffUL) senseless(file, text);
  return value;
}

static void read_groups(struct confinement *into, const char *file, char *text) {
  for (char *rest, *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
    if (into->group_count == most_groups) senseless(file, "groups");
    into->groups[into->group_count++] = (gid_t)number(file, word);
  }
}

static void read_line(struct confinement *into, const char *file, char *line) {
  char *value = strchr(line, ' ');
  if (!value) senseless(file, line);
  *value++ = 0;
  if (!strcmp(line, "uid")) into->uid = (uid_t)number(file, value);
  else if (!strcmp(line, "gid")) into->gid = (gid_t)number(file, value);
  else if (!strcmp(line, "groups")) read_groups(into, file, value);
  else if (!strcmp(line, "tmp")) into->tmp = value;
  else if (!strcmp(line, "var-tmp")) into->var_tmp = value;
  else if (!strcmp(line, "among")) into->among = value;
  else if (!strcmp(line, "own")) into->own = value;
  else if (!strcmp(line, "keep")) into->keep = value;
  else if (!strcmp(line, "door")) into->door = value;
  else if (!strcmp(line, "compartment")) into->compartment = value;
  else if (!strcmp(line, "hide")) into->hides = !strcmp(value, "processes");
  else if (!strcmp(line, "memlock")) into->lock_memory = !strcmp(value, "unlimited");
  else if (!strcmp(line, "group") && into->control_group_count < most_control_groups) into->control_groups[into->control_group_count++] = value;
  else senseless(file, line);
}

const struct confinement *confinement_read(const char *file) {
  static struct confinement found;
  if (!file) return NULL;
  int handle = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  struct stat status;
  if (handle < 0 || fstat(handle, &status) < 0) die("%s: %s", file, strerror(errno));
  if (status.st_size > longest_file) senseless(file, "it is too long");
  char *text = calloc(1, (size_t)status.st_size + 1);
  if (!text || read(handle, text, (size_t)status.st_size) != status.st_size) die("%s can't be read: %s", file, strerror(errno));
  close(handle);
  for (char *rest, *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) read_line(&found, file, line);
  if (!found.uid || !found.gid) senseless(file, "it names no account");
  return &found;
}

void confinement_count(const struct confinement *confinement) {
  char path[4200];
  for (int i = 0; i < confinement->control_group_count; i++) {
    snprintf(path, sizeof path, "%s/cgroup.procs", confinement->control_groups[i]);
    int handle = open(path, O_WRONLY | O_CLOEXEC);
    if (handle < 0 || write(handle, "0", 1) != 1) refused(path);
    close(handle);
  }
}

static int compartment = -1;

void confinement_open(const struct confinement *confinement) {
  if (!confinement->compartment) return;
  compartment = compartment_open(confinement->compartment, confinement->uid);
  if (compartment < 0) refused("a user namespace");
}

static void see(const char *folder, const char *at) {
  if (mount(folder, at, NULL, MS_BIND, NULL) < 0) refused(folder);
  if (mount(NULL, at, NULL, MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV, NULL) < 0) refused(at);
}

static void make_folders(const char *path) {
  char part[4096];
  if ((size_t)snprintf(part, sizeof part, "%s", path) >= sizeof part) senseless(path, "it is too long");
  for (char *slash = part; (slash = strchr(slash + 1, '/'));) {
    *slash = 0;
    mkdir(part, 0711);
    *slash = '/';
  }
  if (mkdir(part, 0711) < 0 && errno != EEXIST) refused(path);
}

// An empty folder in memory over those of all jobs, and in it this job's own.
static void see_own_alone(const struct confinement *confinement) {
  char path[64];
  int own = open(confinement->own, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (own < 0) refused(confinement->own);
  if (mount("tmpfs", confinement->among, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0711,size=64k") < 0) refused(confinement->among);
  make_folders(confinement->own);
  snprintf(path, sizeof path, "/proc/self/fd/%d", own);
  see(path, confinement->own);
  close(own);
}

// Where the machine's services for this account listen: what one of them is asked to start would outlive the lease, and gain privileges.
static void hide_services(void) {
  if (access("/run/user", F_OK) < 0) return;
  if (mount("tmpfs", "/run/user", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, "mode=0755,size=4k") < 0) refused("/run/user");
}

void confinement_places(const struct confinement *confinement) {
  char here[4096], kept[64];
  int keep = -1;
  if (!confinement->tmp || !confinement->var_tmp) return;
  if (!getcwd(here, sizeof here)) refused("its folder");
  if (unshare(CLONE_NEWNS) < 0) refused("a view of its own");
  // What the agent mounts and undoes later is still seen; what happens here is seen by nobody else.
  if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0) refused("/");
  if (confinement->keep && (keep = open(confinement->keep, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0) refused(confinement->keep);
  see(confinement->var_tmp, "/var/tmp");
  see(confinement->tmp, "/tmp");
  if (keep >= 0) {
    snprintf(kept, sizeof kept, "/proc/self/fd/%d", keep);
    if (mount(kept, confinement->keep, NULL, MS_BIND | MS_REC, NULL) < 0) refused(confinement->keep);
    close(keep);
  }
  if (confinement->among && confinement->own) see_own_alone(confinement);
  if (confinement->door) see(confinement->door, "/run/stoker");
  hide_services();
  if (confinement->hides && hide_processes() < 0) refused("/proc");
  if (chdir(here) < 0) refused(here);
}

// What a setting of the service or of the machine forbids stays as it is.
static void limit(int what, rlim_t soft, rlim_t hard) {
  struct rlimit wanted = {.rlim_cur = soft, .rlim_max = hard};
  if (setrlimit(what, &wanted) < 0 && errno != EPERM) say("can't set a limit: %s", strerror(errno));
}

void confinement_become(const struct confinement *confinement) {
  // A core dump would put a job's secrets on a disk.
  limit(RLIMIT_CORE, 0, 0);
  if (confinement->lock_memory) limit(RLIMIT_MEMLOCK, RLIM_INFINITY, RLIM_INFINITY);
  // Not the agent's keys. A kernel without any has none to hide.
  if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS && errno != EPERM && errno != EDQUOT) refused("a keyring");
  if (compartment >= 0 && setns(compartment, CLONE_NEWUSER) < 0) refused("a user namespace");
  if (setgroups((size_t)confinement->group_count, confinement->groups) < 0) refused("groups");
  if (setresgid(confinement->gid, confinement->gid, confinement->gid) < 0) refused("group");
  if (setresuid(confinement->uid, confinement->uid, confinement->uid) < 0) refused("account");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) refused("no new privileges");
  char here[4096];
  // Its folder, as this account sees it: root could go where it can't.
  if (!getcwd(here, sizeof here) || chdir(here) < 0) refused("its folder");
}

int confine_words_read(char **words, struct confine_words *into) {
  *into = (struct confine_words){0};
  if (!words[0] || !words[1]) return 0;
  into->counts_alone = !strcmp(words[0], "--count");
  if (!into->counts_alone && strcmp(words[0], "--confine")) return 0;
  into->confinement = confinement_read(words[1]);
  return 2;
}

void confine_begin(const struct confine_words *confine) {
  if (!confine->confinement) return;
  confinement_count(confine->confinement);
  if (confine->counts_alone) return;
  confinement_open(confine->confinement);
  confinement_places(confine->confinement);
  confinement_become(confine->confinement);
}

void confine_give(const struct confine_words *confine, int file) {
  if (!confine->confinement) return;
  if (fchown(file, confine->confinement->uid, confine->confinement->gid) < 0) die("can't give the output away: %s", strerror(errno));
}

// `confined`: becomes a program that does something of the agent's as the job's account, such as making its directories.
int confined_main(int count, char **words) {
  if (count < 2) usage();
  const struct confinement *confinement = confinement_read(words[0]);
  if (confinement) confinement_open(confinement);
  confinement_places(confinement);
  confinement_become(confinement);
  execvp(words[1], words + 1);
  refused(words[1]);
}
