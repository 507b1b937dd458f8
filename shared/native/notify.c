// stoker-notify: passes what a daemon has to say on to systemd, which listens at a datagram socket; Node.js has none of that kind.
//
// Messages come on stdin, each ended by a NUL, and their end is ours. They go out in the parent's name where we may do that (as root), so
// that a unit with NotifyAccess=main believes the daemon and nobody else whom it has started.

#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { message_max = 4096 };

static int socket_fd;
static struct sockaddr_un manager = {.sun_family = AF_UNIX};
static socklen_t manager_length;
static pid_t daemon_pid;

static int send_as(const char *text, size_t length, int in_parents_name) {
  struct iovec part = {.iov_base = (void *)text, .iov_len = length};
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(struct ucred))];
  } control;
  memset(&control, 0, sizeof control);
  struct msghdr message = {.msg_name = &manager, .msg_namelen = manager_length, .msg_iov = &part, .msg_iovlen = 1};
  if (in_parents_name) {
    message.msg_control = &control;
    message.msg_controllen = sizeof control;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_CREDENTIALS;
    header->cmsg_len = CMSG_LEN(sizeof(struct ucred));
    struct ucred who = {.pid = daemon_pid, .uid = getuid(), .gid = getgid()};
    memcpy(CMSG_DATA(header), &who, sizeof who);
  }
  while (sendmsg(socket_fd, &message, MSG_NOSIGNAL) < 0)
    if (errno != EINTR) return -1;
  return 0;
}

static void pass_on(const char *text, size_t length) {
  if (send_as(text, length, 1) == 0 || (errno == EPERM && send_as(text, length, 0) == 0)) return;
  // A manager that is being restarted: the next message may get through.
  fprintf(stderr, "stoker-notify: %s\n", strerror(errno));
}

int main(void) {
  const char *path = getenv("NOTIFY_SOCKET");
  size_t length = path == NULL ? 0 : strlen(path);
  if (length < 2 || length >= sizeof manager.sun_path || (path[0] != '/' && path[0] != '@')) {
    fprintf(stderr, "stoker-notify: NOTIFY_SOCKET names no socket\n");
    return 2;
  }
  memcpy(manager.sun_path, path, length);
  if (path[0] == '@') manager.sun_path[0] = '\0';
  manager_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
  daemon_pid = getppid();
  socket_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket_fd < 0) {
    perror("stoker-notify: socket");
    return 1;
  }

  static char waiting[message_max];
  size_t held = 0;
  for (;;) {
    ssize_t got = read(STDIN_FILENO, waiting + held, sizeof waiting - held);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return 0;
    held += (size_t)got;
    char *end;
    while ((end = memchr(waiting, '\0', held)) != NULL) {
      size_t one = (size_t)(end - waiting);
      if (one > 0) pass_on(waiting, one);
      held -= one + 1;
      memmove(waiting, end + 1, held);
    }
    // Longer than any of ours.
    if (held == sizeof waiting) held = 0;
  }
}
