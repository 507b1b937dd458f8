// `watch`: outside the agent, so that what stops the agent does not stop it. When a lease's deadline has passed it freezes the lease's
// processes (or kills them, where the job says so), and lets them go on when a later deadline is written. It is the only one that does
// either: whatever the order of things, what is on disk decides, and each look makes it so.
//
// It keeps its state nowhere. One that starts freezes what has expired and continues what has not, frozen by another or not, so it may be
// killed at any moment. It ends when there is nothing to watch: no agent at the other end of standard input, and no fence.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "cgroup.h"
#include "commands.h"
#include "fence.h"
#include "leases.h"
#include "precedence.h"
#include "say.h"
#include "watch_lock.h"

// Frozen leases are looked at again this often: something outside may have continued a process. Without notices of changes, all are.
enum { look_again_ms = 1000, without_notice_ms = 200, unfinished_ms = 200, looks_at_once = 40, together = 64 };

enum state { unknown, running, frozen, unfinished };

struct ward {
  char lease[lease_name_size];
  enum state state;
  bool seen, killed;
  // Those of this look.
  bool wanted_frozen, due;
  struct fence fence;
};

struct watch {
  const char *data;
  char spool[4096];
  int fences;
  int notices, timer;
  struct ward *wards;
  size_t count, capacity;
  int64_t looked_again_ms;
  // The first look is over: whatever fence appears from now on was made under our eyes.
  bool settled;
  // The folder of the fences is.
  bool gone;
  struct table table;
};

// Of what a lease starts, each process has a folder of its own in the spool, which is made before it.
static bool may_have_begun(const struct watch *watch, const char *lease) {
  char path[4200];
  if ((size_t)snprintf(path, sizeof path, "%s/%s", watch->spool, lease) >= sizeof path) return true;
  DIR *all = opendir(path);
  if (!all) return errno != ENOENT;
  bool begun = false;
  for (struct dirent *entry; !begun && (entry = readdir(all));)
    begun = entry->d_name[0] != '.' && (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN);
  closedir(all);
  return begun;
}

static struct ward *ward_of(struct watch *watch, const char *lease) {
  for (size_t i = 0; i < watch->count; i++)
    if (!strcmp(watch->wards[i].lease, lease)) return &watch->wards[i];
  if (watch->count == watch->capacity) {
    watch->capacity += 16;
    watch->wards = realloc(watch->wards, watch->capacity * sizeof *watch->wards);
    if (!watch->wards) die("out of memory");
  }
  struct ward *ward = &watch->wards[watch->count++];
  // In a lease that has only just been granted there is nothing that somebody could have frozen. To search for it would take as long as its
  // whole job, if that is a short one.
  *ward = (struct ward){.state = watch->settled && !may_have_begun(watch, lease) ? running : unknown};
  snprintf(ward->lease, sizeof ward->lease, "%s", lease);
  return ward;
}

// `<uuid>.<attempt>`; what is being made has another dot and a word.
static bool is_lease(const char *name) {
  const char *dot = strchr(name, '.');
  return dot && dot[1] && strspn(dot + 1, "0123456789") == strlen(dot + 1) && strlen(name) < lease_name_size;
}

static void read_fence(struct watch *watch, const char *lease) {
  struct fence fence;
  if (!is_lease(lease) || !fence_read(watch->fences, lease, &fence)) return;
  struct ward *ward = ward_of(watch, lease);
  ward->fence = fence;
  ward->seen = true;
}

static void keep_seen(struct watch *watch) {
  size_t kept = 0;
  for (size_t i = 0; i < watch->count; i++)
    if (watch->wards[i].seen) watch->wards[kept++] = watch->wards[i];
  watch->count = kept;
}

// False when the folder is gone.
static bool read_fences(struct watch *watch) {
  int copy = openat(watch->fences, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  struct stat folder;
  if (copy < 0 || fstat(watch->fences, &folder) < 0 || folder.st_nlink == 0) return false;
  DIR *all = fdopendir(copy);
  if (!all) die("can't read the fences: %s", strerror(errno));
  for (size_t i = 0; i < watch->count; i++) watch->wards[i].seen = false;
  for (struct dirent *entry; (entry = readdir(all));) read_fence(watch, entry->d_name);
  closedir(all);
  keep_seen(watch);
  return true;
}

// Those of which a change was told since. False when not all changes were.
static bool read_changed(struct watch *watch) {
  static char notices[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
  for (ssize_t length; (length = read(watch->notices, notices, sizeof notices)) > 0;) {
    for (char *at = notices; at < notices + length;) {
      const struct inotify_event *notice = (const struct inotify_event *)at;
      at += sizeof *notice + notice->len;
      if (notice->len == 0) return false;
      for (size_t i = 0; i < watch->count; i++)
        if (!strcmp(watch->wards[i].lease, notice->name)) watch->wards[i].seen = false;
      read_fence(watch, notice->name);
    }
    keep_seen(watch);
  }
  return true;
}

static void judge(struct watch *watch) {
  int64_t now = boot_ms();
  bool time_for_all = now - watch->looked_again_ms >= look_again_ms;
  if (time_for_all) watch->looked_again_ms = now;
  for (size_t i = 0; i < watch->count; i++) {
    struct ward *ward = &watch->wards[i];
    ward->wanted_frozen = ward->fence.same_boot && ward->fence.policy != fence_continue && now >= ward->fence.deadline_ms;
    bool as_wanted = ward->state == (ward->wanted_frozen ? frozen : running);
    ward->due = ward->fence.same_boot && ward->fence.policy != fence_continue && (!as_wanted || (ward->wanted_frozen && time_for_all));
  }
}

static const char *cgroup_of(const struct ward *ward) { return ward->fence.cgroup[0] ? ward->fence.cgroup : NULL; }

static void start_kill(const struct watch *watch, const struct ward *ward) {
  pid_t pid = vfork();
  if (pid < 0) say("can't kill %s: %s", ward->lease, strerror(errno));
  if (pid != 0) return;
  const char *cgroup = cgroup_of(ward);
  char *const words[] = {"stoker-shim", "kill", "--lease", (char *)ward->lease, "--spool", (char *)watch->spool, cgroup ? "--cgroup" : NULL, (char *)cgroup, NULL};
  execv("/proc/self/exe", words);
  _exit(127);
}

static bool group_is_still(const struct ward *ward) {
  const char *path = cgroup_of(ward);
  if (!path) return true;
  for (int look = 0; look < looks_at_once; look++) {
    if (cgroup_is_frozen(path) || cgroup_is_empty(path)) return true;
    // It was waited for before: the others must not wait again.
    if (ward->state == unfinished) return false;
    usleep(5000);
  }
  return false;
}

static void froze(struct watch *watch, struct ward *ward, bool all) {
  if (ward->state != frozen && all) {
    fence_mark(watch->fences, ward->lease, wall_ms());
    say("%s: frozen", ward->lease);
  }
  if (!all && ward->state != unfinished) say("%s: some of it does not stand still yet", ward->lease);
  ward->state = all ? frozen : unfinished;
  // Frozen first: what is killed one after the other would see the others die.
  if (ward->fence.policy != fence_kill || ward->killed) return;
  ward->killed = true;
  start_kill(watch, ward);
}

// Up to so many leases at once, so that they share the looks at the process table.
struct batch {
  struct ward *wards[together];
  const char *names[together];
  size_t count;
};

// The next of those that are due, from `*at` on; false when there are no more.
static bool next_batch(struct watch *watch, bool to_freeze, size_t *at, struct batch *batch) {
  batch->count = 0;
  for (; *at < watch->count && batch->count < together; ++*at) {
    struct ward *ward = &watch->wards[*at];
    if (!ward->due || ward->wanted_frozen != to_freeze) continue;
    batch->names[batch->count] = ward->lease;
    batch->wards[batch->count++] = ward;
  }
  return batch->count > 0;
}

static struct leases leases_of(const struct watch *watch, const struct batch *batch) {
  return (struct leases){.names = batch->names, .count = batch->count, .spool = watch->spool};
}

static void freeze_due(struct watch *watch) {
  struct batch batch;
  for (size_t at = 0; next_batch(watch, true, &at, &batch);) {
    enum thoroughness how = again;
    for (size_t i = 0; i < batch.count; i++) {
      // All groups get the order before any is waited for.
      if (cgroup_of(batch.wards[i])) cgroup_set_frozen(cgroup_of(batch.wards[i]), true);
      if (batch.wards[i]->state == unknown || batch.wards[i]->state == running) how = anew;
    }
    // Those without a group; and what has left its own, as root's processes can.
    struct leases leases = leases_of(watch, &batch);
    bool stopped = leases_stop(&watch->table, &leases, how, looks_at_once);
    for (size_t i = 0; i < batch.count; i++) froze(watch, batch.wards[i], group_is_still(batch.wards[i]) && stopped);
  }
}

static void continue_due(struct watch *watch) {
  struct batch batch;
  for (size_t at = 0; next_batch(watch, false, &at, &batch);) {
    bool known = false;
    for (size_t i = 0; i < batch.count; i++) {
      if (cgroup_of(batch.wards[i])) cgroup_set_frozen(cgroup_of(batch.wards[i]), false);
      known = known || batch.wards[i]->state != unknown;
    }
    struct leases leases = leases_of(watch, &batch);
    leases_continue(&watch->table, &leases, known);
    for (size_t i = 0; i < batch.count; i++) {
      struct ward *ward = batch.wards[i];
      if (ward->state != unknown) say("%s: goes on", ward->lease);
      fence_mark(watch->fences, ward->lease, 0);
      ward->state = running;
      ward->killed = false;
    }
  }
}

// Sets the timer to the next moment at which something is due though nothing is written. An absolute time of this clock comes at once after
// a sleep in which it passed.
static void set_timer(struct watch *watch) {
  int64_t now = boot_ms(), next = INT64_MAX;
  for (size_t i = 0; i < watch->count; i++) {
    const struct ward *ward = &watch->wards[i];
    int64_t due = INT64_MAX;
    if (!ward->fence.same_boot || ward->fence.policy == fence_continue) continue;
    if (!ward->wanted_frozen) due = ward->fence.deadline_ms;
    else due = now + (ward->state == frozen ? look_again_ms : unfinished_ms);
    if (due < next) next = due;
  }
  if (watch->notices < 0 && next > now + without_notice_ms) next = now + without_notice_ms;
  // 0 would stop the timer.
  if (next < 1) next = 1;
  struct itimerspec when = {0};
  if (next != INT64_MAX) when.it_value = (struct timespec){.tv_sec = next / 1000, .tv_nsec = next % 1000 * 1000000};
  if (timerfd_settime(watch->timer, TFD_TIMER_ABSTIME, &when, NULL) < 0) die("timer: %s", strerror(errno));
}

static void prepare(struct watch *watch) {
  char path[4096];
  snprintf(path, sizeof path, "%s/fences", watch->data);
  snprintf(watch->spool, sizeof watch->spool, "%s/spool", watch->data);
  watch->fences = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (watch->fences < 0) die("%s: %s", path, strerror(errno));
  watch->timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
  if (watch->timer < 0) die("timer: %s", strerror(errno));
  watch->notices = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (watch->notices >= 0 && inotify_add_watch(watch->notices, path, IN_MODIFY | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF) < 0) {
    close(watch->notices);
    watch->notices = -1;
  }
  if (watch->notices < 0) say("no inotify, looking five times a second: %s", strerror(errno));
  signal(SIGPIPE, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  signal(SIGINT, SIG_IGN);
  // Nobody waits for those that kill.
  sigaction(SIGCHLD, &(struct sigaction){.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT}, NULL);
  // An agent that is stopped reads nothing: that must not hold us up.
  for (int file = 1; file <= 2; file++) fcntl(file, F_SETFL, fcntl(file, F_GETFL) | O_NONBLOCK);
}

// True while somebody holds the other end.
static bool wait_for_change(struct watch *watch, bool agent) {
  static char discarded[4096];
  struct pollfd files[] = {{.fd = watch->timer, .events = POLLIN}, {.fd = watch->notices, .events = POLLIN}, {.fd = agent ? 0 : -1, .events = POLLIN}};
  if (poll(files, 3, -1) < 0 && errno != EINTR) die("poll: %s", strerror(errno));
  if (files[0].revents && read(watch->timer, discarded, sizeof discarded) < 0 && errno != EAGAIN) die("timer: %s", strerror(errno));
  // Whenever time has passed, all of them are looked at: nobody is stopped, or let go on, by what was once told alone.
  bool all = files[0].revents || watch->notices < 0 || (files[1].revents && !read_changed(watch));
  watch->gone = all && !read_fences(watch);
  if (!files[2].revents) return agent;
  ssize_t got = read(0, discarded, sizeof discarded);
  return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

int watch_main(int count, char **words) {
  static struct watch watch;
  bool replace = false;
  for (int i = 0; i < count; i++) {
    if (!strcmp(words[i], "--data") && i + 1 < count) watch.data = words[++i];
    else if (!strcmp(words[i], "--replace")) replace = true;
    else usage();
  }
  if (!watch.data) usage();
  if (chdir("/") < 0) die("/: %s", strerror(errno));
  int lock = watch_lock_open(watch.data);
  if (lock < 0) die("%s/watchdog.lock: %s", watch.data, strerror(errno));
  if (!replace && watch_lock_holder(lock)) return 0;
  prepare(&watch);
  take_precedence();
  // Everything is ready before the one before has to go.
  if (replace ? !watch_lock_seize(lock) : !watch_lock_take(lock)) {
    if (!replace) return 0;
    die("the watchdog before this one can't be killed");
  }
  bool agent = replace, told = false;
  watch.gone = !read_fences(&watch);
  while (!watch.gone && (agent || watch.count > 0)) {
    judge(&watch);
    freeze_due(&watch);
    continue_due(&watch);
    set_timer(&watch);
    watch.settled = true;
    if (!told && agent) dprintf(1, "watching\n");
    told = true;
    agent = wait_for_change(&watch, agent);
  }
  return 0;
}
