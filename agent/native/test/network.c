// The network to another node: how long small messages take there and back, and how many bytes go each way. Whoever connects first says the
// token that the one who serves reads from its standard input, and so does the other.
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test.h"

enum { token_bytes = 64, chunk_bytes = 1 << 20, message_bytes = 64, pings_max = 2000, connections_max = 64 };
enum { ping = 'P', take = 'T', give = 'G', end = 'E' };
static char chunk[chunk_bytes];

static int all(int socket, char *bytes, size_t length, ssize_t (*act)(int, void *, size_t)) {
  for (size_t done = 0; done < length;) {
    ssize_t count = act(socket, bytes + done, length - done);
    if (count <= 0) return 0;
    done += (size_t)count;
  }
  return 1;
}

static ssize_t send_some(int socket, void *bytes, size_t length) { return send(socket, bytes, length, MSG_NOSIGNAL); }
static ssize_t receive_some(int socket, void *bytes, size_t length) { return recv(socket, bytes, length, 0); }
static int put(int socket, const void *bytes, size_t length) { return all(socket, (char *)bytes, length, send_some); }
static int get(int socket, void *bytes, size_t length) { return all(socket, bytes, length, receive_some); }

static int read_token(char token[token_bytes]) {
  char line[token_bytes + 2] = "";
  if (!fgets(line, sizeof line, stdin)) return 0;
  line[strcspn(line, "\n")] = 0;
  memset(token, 0, token_bytes);
  memcpy(token, line, strlen(line) < token_bytes ? strlen(line) : token_bytes);
  return line[0] != 0;
}

static int same(const char *one, const char *other) {
  unsigned char different = 0;
  for (int at = 0; at < token_bytes; at++) different |= (unsigned char)(one[at] ^ other[at]);
  return !different;
}

static void without_delay(int socket) {
  int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static void serve_one(int socket, const char token[token_bytes]) {
  char said[token_bytes], what, message[message_bytes];
  without_delay(socket);
  if (!get(socket, said, sizeof said) || !same(said, token)) return;
  while (get(socket, &what, 1) && what != end) {
    if (what == ping && !(get(socket, message, sizeof message) && put(socket, message, sizeof message))) return;
    if (what == take && !(get(socket, chunk, sizeof chunk) && put(socket, &what, 1))) return;
    if (what == give && !put(socket, chunk, sizeof chunk)) return;
  }
}

int serve_main(int count, char **words) {
  (void)words;
  char token[token_bytes];
  if (count != 0 || !read_token(token)) return 2;
  // Until its standard input ends, or its time is up.
  signal(SIGCHLD, SIG_IGN);
  int listener = socket(AF_INET6, SOCK_STREAM, 0), off = 0;
  struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT};
  if (listener >= 0) setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  struct sockaddr_in any4 = {.sin_family = AF_INET};
  struct sockaddr *where = (struct sockaddr *)&any;
  socklen_t length = sizeof any;
  if (listener < 0) {
    listener = socket(AF_INET, SOCK_STREAM, 0);
    where = (struct sockaddr *)&any4;
    length = sizeof any4;
  }
  if (listener < 0 || bind(listener, where, length) || listen(listener, 8) || getsockname(listener, where, &length)) {
    perror("stoker-node-test: listening");
    return 2;
  }
  printf("{\"port\":%u}\n", ntohs(where->sa_family == AF_INET6 ? any.sin6_port : any4.sin_port));
  fflush(stdout);
  for (int served = 0; served < connections_max; served++) {
    int socket = accept(listener, NULL, NULL);
    if (socket < 0) return 2;
    pid_t child = fork();
    if (child == 0) {
      serve_one(socket, token);
      _exit(0);
    }
    close(socket);
  }
  return 0;
}

static int dial(const char *host, const char *port) {
  struct addrinfo wish = {.ai_socktype = SOCK_STREAM}, *found;
  if (getaddrinfo(host, port, &wish, &found)) return -1;
  int connection = -1;
  for (struct addrinfo *at = found; at && connection < 0; at = at->ai_next) {
    connection = socket(at->ai_family, SOCK_STREAM, 0);
    if (connection >= 0 && connect(connection, at->ai_addr, at->ai_addrlen)) {
      close(connection);
      connection = -1;
    }
  }
  freeaddrinfo(found);
  return connection;
}

static int ascending(const void *one, const void *other) {
  double a = *(const double *)one, b = *(const double *)other;
  return a < b ? -1 : a > b;
}

static int pings(int socket, double until, double *median, double *high) {
  static double took[pings_max];
  char what = ping, message[message_bytes] = "";
  int count = 0;
  while (count < pings_max && (count < 20 || seconds_now() < until)) {
    double begin = seconds_now();
    if (!put(socket, &what, 1) || !put(socket, message, sizeof message) || !get(socket, message, sizeof message)) return 0;
    took[count++] = seconds_now() - begin;
  }
  qsort(took, (size_t)count, sizeof *took, ascending);
  *median = took[count / 2] * 1e6;
  *high = took[count * 99 / 100] * 1e6;
  return 1;
}

static int stream(int socket, char what, double seconds, double *found) {
  double begin = seconds_now();
  uint64_t bytes = 0;
  char answer;
  while (bytes == 0 || seconds_now() - begin < seconds) {
    if (!put(socket, &what, 1)) return 0;
    if (what == take && !(put(socket, chunk, sizeof chunk) && get(socket, &answer, 1))) return 0;
    if (what == give && !get(socket, chunk, sizeof chunk)) return 0;
    bytes += chunk_bytes;
  }
  *found = rate(bytes, seconds_now() - begin);
  return 1;
}

int connect_main(int count, char **words) {
  char token[token_bytes];
  if (count != 3 || !read_token(token)) return 2;
  double seconds = atof(words[2]), median, high, there, back;
  int socket = dial(words[0], words[1]);
  if (socket < 0) return tell(failed, "", "%s can't be reached at port %s: look at the firewall between the two", words[0], words[1]);
  without_delay(socket);
  char last = end;
  if (!put(socket, token, sizeof token) || !pings(socket, seconds_now() + seconds / 3, &median, &high) ||
      !stream(socket, take, seconds / 3, &there) || !stream(socket, give, seconds / 3, &back) || !put(socket, &last, 1))
    return tell(failed, "", "the connection to %s broke off", words[0]);
  char numbers[200];
  snprintf(numbers, sizeof numbers, "\"roundTripUs\":%.1f,\"roundTripP99Us\":%.1f,\"toMiBps\":%.0f,\"fromMiBps\":%.0f", median, high,
           there, back);
  return tell(passed, numbers, "%.0f us there and back, %.0f MiB/s to it and %.0f MiB/s from it", median, there, back);
}
