// `rsh HOST WORDS…`: stands where ssh would, for launchers of MPI. The agent behind $STOKER_SOCKET has the words run on another node of
// the same lease. The agent may be restarted meanwhile: then it is asked again, under the same id and from where the output ended.
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "json.h"
#include "launcher_end.h"
#include "rsh_words.h"
#include "say.h"

enum { header_size = 5, most_payload = 1 << 20, stop_limit_ms = 60000, stop_answer_ms = 5000, parent_look_ms = 500 };

struct request {
  char id[33];
  const char *lease;
  struct rsh_words call;
  unsigned long long received[2];
  // Why it was not started, in words for people; "" when nothing was said.
  char reason[512];
};

static volatile sig_atomic_t stop_signal;
static pid_t launcher;

static void on_signal(int signal) { stop_signal = signal; }

static bool should_stop(void) {
  // Launchers that are killed leave us to whoever takes orphans.
  if (!stop_signal && getppid() != launcher) stop_signal = SIGHUP;
  return stop_signal != 0;
}

static long now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int dial(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) die("$STOKER_SOCKET is too long: %s", path);
  strcpy(address.sun_path, path);
  int link = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (link < 0) return -1;
  if (connect(link, (struct sockaddr *)&address, sizeof address) == 0) return link;
  close(link);
  return -1;
}

static bool send_all(int link, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t sent = send(link, bytes, length, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes += sent;
    length -= (size_t)sent;
  }
  return true;
}

static bool ask(int link, const struct request *request) {
  struct text line = {0};
  char offsets[96];
  text_add(&line, "{\"request\":");
  json_add_string(&line, request->id);
  text_add(&line, ",\"lease\":");
  json_add_string(&line, request->lease);
  text_add(&line, ",\"target\":");
  json_add_string(&line, request->call.host);
  const char *pass = getenv("STOKER_PASS");
  if (pass) {
    text_add(&line, ",\"pass\":");
    json_add_string(&line, pass);
  }
  text_add(&line, ",\"command\":");
  json_add_string(&line, request->call.command);
  snprintf(offsets, sizeof offsets, ",\"stdoutOffset\":%llu,\"stderrOffset\":%llu}\n", request->received[0], request->received[1]);
  text_add(&line, offsets);
  bool sent = send_all(link, line.bytes, line.length);
  free(line.bytes);
  return sent;
}

// False when the link broke, or it is time to stop (unless that is known already), or the time is up.
static bool receive(int link, char *bytes, size_t length, bool stopping, long deadline) {
  while (length > 0) {
    if (!stopping && should_stop()) return false;
    if (stopping && now_ms() > deadline) return false;
    struct pollfd ready = {.fd = link, .events = POLLIN};
    if (poll(&ready, 1, stopping ? 50 : parent_look_ms) <= 0) continue;
    ssize_t got = recv(link, bytes, length, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    bytes += got;
    length -= (size_t)got;
  }
  return true;
}

static void pass_on(int output, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t written = write(output, bytes, length);
    if (written < 0 && errno == EAGAIN) poll(&(struct pollfd){.fd = output, .events = POLLOUT}, 1, parent_look_ms);
    else if (written < 0 && errno != EINTR) return;  // Nobody reads any more; the exit code is still wanted.
    if (written <= 0 && should_stop()) return;
    if (written <= 0) continue;
    bytes += written;
    length -= (size_t)written;
  }
}

// Frames: a letter (o, e: output; m: words for people; x: the exit code, and the end), four bytes of length (highest first), the bytes.
// -1 when the link broke or it is time to stop.
static int follow(int link, struct request *request, bool stopping, long deadline) {
  static char payload[most_payload + 1];
  for (;;) {
    unsigned char header[header_size];
    if (!receive(link, (char *)header, sizeof header, stopping, deadline)) return -1;
    size_t length = (size_t)header[1] << 24 | (size_t)header[2] << 16 | (size_t)header[3] << 8 | header[4];
    if (length > most_payload || !receive(link, payload, length, stopping, deadline)) return -1;
    payload[length] = 0;
    if (header[0] == 'o' || header[0] == 'e') {
      pass_on(header[0] == 'o' ? 1 : 2, payload, length);
      request->received[header[0] == 'e'] += length;
    } else if (header[0] == 'm') {
      say("%s", payload);
      snprintf(request->reason, sizeof request->reason, "%.*s", (int)sizeof request->reason - 1, payload);
    } else if (header[0] == 'x') {
      return atoi(payload) & 255;
    }
  }
}

static void stop_remote(const char *socket_path, int link, struct request *request) {
  long deadline = now_ms() + stop_limit_ms;
  for (long wait = 50; now_ms() < deadline; wait = wait < 1000 ? wait * 2 : 1000) {
    if (link < 0 && (link = dial(socket_path)) >= 0 && !ask(link, request)) {
      close(link);
      link = -1;
    }
    if (link >= 0 && send_all(link, "stop\n", 5)) {
      follow(link, request, true, now_ms() + stop_answer_ms);
      return;
    }
    if (link >= 0) close(link);
    link = -1;
    usleep((useconds_t)wait * 1000);
  }
}

static const char *needed(const char *name) {
  const char *value = getenv(name);
  if (!value || !*value) die("$%s is not set: this launcher works only inside a job", name);
  return value;
}

static void make_id(char id[33]) {
  unsigned char bytes[16];
  if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes) die("no random bytes: %s", strerror(errno));
  for (size_t i = 0; i < sizeof bytes; i++) snprintf(id + 2 * i, 3, "%02x", bytes[i]);
}

int rsh_main(int count, char **words) {
  struct rsh_words call;
  rsh_words_read(count, words, &call);
  return rsh_call(&call);
}

int rsh_call(const struct rsh_words *call) {
  struct request request = {.call = *call};
  launcher = getppid();
  const char *socket_path = needed("STOKER_SOCKET");
  request.lease = needed("STOKER_LEASE");
  make_id(request.id);
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGHUP, &action, NULL);
  signal(SIGPIPE, SIG_IGN);

  int link = -1;
  for (long wait = 20; !should_stop(); wait = wait < 1000 ? wait * 2 : 1000) {
    link = dial(socket_path);
    if (link >= 0 && ask(link, &request)) {
      unsigned long long before = request.received[0] + request.received[1];
      int code = follow(link, &request, false, 0);
      if (code > 0 && is_hydra_daemon(call->command)) launcher_end_later(launcher, call->host, code, request.reason);
      if (code >= 0) return code;
      if (should_stop()) break;
      if (request.received[0] + request.received[1] > before) wait = 20;
    }
    if (link >= 0) close(link);
    link = -1;
    usleep((useconds_t)wait * 1000);
  }
  stop_remote(socket_path, link, &request);
  return 128 + stop_signal;
}
