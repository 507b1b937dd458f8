// `spawn`: starts shims for the agent, because a process as large as the agent forks slowly and stands still meanwhile. Requests come on
// standard input, words go out on standard output. It ends with the agent; the shims that it started go on.
//
//   request   a length (4 bytes, little endian), then words that each end in a zero byte:
//             run ID DIR FENCE HOW FILE CWD COUNT VARIABLE… ARGUMENT…   or   remove PATH…   or   punch PATH FROM TO
//   answer    a line: started ID PID | failed ID REASON | ended PID
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands.h"
#include "remove.h"
#include "say.h"

enum { largest_request = 16 * 1024 * 1024 };

struct request {
  char **words;
  size_t count;
};

static int null_file;

static void take_apart(struct request *request, char *text, size_t length) {
  size_t count = 0;
  for (size_t i = 0; i < length; i++) count += text[i] == 0;
  request->words = calloc(count + 1, sizeof *request->words);
  if (!request->words) die("no memory for a request");
  request->count = count;
  for (size_t i = 0; i < count; i++, text += strlen(text) + 1) request->words[i] = text;
}

// Shares this process's memory until it is another program: only calls that leave the memory alone.
static _Noreturn void become_shim(const char *cwd, char **arguments, char **environment, volatile int *error) {
  // What the agent sends before the shim is ready for it waits: it would kill a shim that has started nothing yet.
  sigset_t waiting;
  sigemptyset(&waiting);
  sigaddset(&waiting, SIGTERM);
  sigaddset(&waiting, SIGQUIT);
  sigprocmask(SIG_SETMASK, &waiting, NULL);
  setsid();
  dup2(null_file, 0);
  dup2(null_file, 1);
  dup2(null_file, 2);
  if (chdir(cwd) == 0) execve("/proc/self/exe", arguments, environment);
  *error = errno;
  _exit(127);
}

static void start(struct request *request) {
  // run ID DIR FENCE HOW FILE CWD COUNT VARIABLE… ARGUMENT…
  if (request->count < 9) die("a request to run has %zu words", request->count);
  const char *id = request->words[1], *fence = request->words[3], *how = request->words[4], *cwd = request->words[6];
  size_t variables = strtoul(request->words[7], NULL, 10);
  if (variables > request->count - 9) die("a request to run has too few words");
  char **arguments = calloc(request->count + 4, sizeof *arguments), **environment = calloc(variables + 1, sizeof *environment);
  if (!arguments || !environment) die("no memory for a request");
  memcpy(environment, request->words + 8, variables * sizeof *environment);
  // FENCE is empty for what belongs to no lease, HOW (--confine or --count) for what runs as the agent itself.
  char *const shim[] = {"stoker-shim", "run", "--dir", request->words[2], "--fence", (char *)fence};
  size_t own = *fence ? 6 : 4, given = request->count - 8 - variables;
  memcpy(arguments, shim, own * sizeof *arguments);
  if (*how) {
    arguments[own++] = request->words[4];
    arguments[own++] = request->words[5];
  }
  arguments[own] = "--";
  memcpy(arguments + own + 1, request->words + 8 + variables, given * sizeof *arguments);

  volatile int error = 0;
  pid_t pid = vfork();
  if (pid == 0) become_shim(cwd, arguments, environment, &error);
  if (pid < 0) error = errno;
  if (error) dprintf(1, "failed %s %s\n", id, strerror(error));
  else dprintf(1, "started %s %d\n", id, pid);
  free(arguments);
  free(environment);
}

static void remove_all(struct request *request) {
  if (fork() != 0) return;
  for (size_t i = 1; i < request->count; i++) remove_tree(request->words[i]);
  _exit(0);
}

// punch PATH FROM TO: a file system that can't do it keeps the bytes.
static void punch(struct request *request) {
  if (request->count != 4) die("a request to punch has %zu words", request->count);
  int file = open(request->words[1], O_WRONLY | O_CLOEXEC);
  if (file < 0) return;
  off_t from = (off_t)strtoull(request->words[2], NULL, 10), to = (off_t)strtoull(request->words[3], NULL, 10);
  fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from, to - from);
  close(file);
}

static void serve(char *text, size_t length) {
  struct request request;
  take_apart(&request, text, length);
  if (request.count && !strcmp(request.words[0], "run")) start(&request);
  else if (request.count && !strcmp(request.words[0], "remove")) remove_all(&request);
  else if (request.count && !strcmp(request.words[0], "punch")) punch(&request);
  else die("a request makes no sense");
  free(request.words);
}

static void bury(int signals) {
  struct signalfd_siginfo info;
  if (read(signals, &info, sizeof info) < 0 && errno != EAGAIN) die("signalfd: %s", strerror(errno));
  for (pid_t pid; (pid = waitpid(-1, NULL, WNOHANG)) > 0;) dprintf(1, "ended %d\n", pid);
}

// Serves every whole request in the buffer; the number of bytes that are left of an unfinished one.
static size_t serve_whole(char *buffer, size_t filled) {
  size_t from = 0;
  while (filled - from >= 4) {
    const unsigned char *head = (unsigned char *)buffer + from;
    size_t length = head[0] | head[1] << 8 | head[2] << 16 | (size_t)head[3] << 24;
    if (length > largest_request) die("a request of %zu bytes", length);
    if (filled - from - 4 < length) break;
    serve(buffer + from + 4, length);
    from += 4 + length;
  }
  memmove(buffer, buffer + from, filled - from);
  return filled - from;
}

int spawn_main(void) {
  sigset_t watched;
  sigemptyset(&watched);
  sigaddset(&watched, SIGCHLD);
  int signals = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
  // What a terminal or service manager sends to the whole group is the agent's to act on.
  sigaddset(&watched, SIGTERM);
  sigaddset(&watched, SIGINT);
  sigaddset(&watched, SIGHUP);
  sigaddset(&watched, SIGPIPE);
  sigprocmask(SIG_BLOCK, &watched, NULL);
  null_file = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (signals < 0 || null_file < 0) die("can't start: %s", strerror(errno));

  size_t room = largest_request + 4, filled = 0;
  char *buffer = malloc(room);
  if (!buffer) die("no memory");
  for (;;) {
    struct pollfd files[] = {{.fd = 0, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
    if (poll(files, 2, -1) < 0 && errno != EINTR) die("poll: %s", strerror(errno));
    if (files[1].revents) bury(signals);
    if (!files[0].revents) continue;
    ssize_t got = read(0, buffer + filled, room - filled);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) return 0;
    filled = serve_whole(buffer, filled + (size_t)got);
  }
}
