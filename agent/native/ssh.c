// `ssh`, on the PATH of every job: a node of the job is reached under the job's own lease, without keys; any other host by the machine's
// own ssh. The command's standard input does not travel; without a command, the text of standard input is the command.
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "rsh_words.h"
#include "say.h"

// The agent reads no longer line.
enum { most_input = 96 * 1024 };

// $STOKER_HOSTS: names and addresses of the job's nodes, with commas.
static bool is_of_job(const char *host) {
  const char *hosts = getenv("STOKER_HOSTS");
  size_t length = strlen(host);
  if (!hosts || !getenv("STOKER_SOCKET") || !getenv("STOKER_LEASE") || !length) return false;
  for (const char *at = hosts; *at;) {
    size_t end = strcspn(at, ",");
    if (end == length && !strncasecmp(at, host, length)) return true;
    at += end + (at[end] == ',');
  }
  return false;
}

// Does not return: the next ssh on the PATH that is not this program.
static void real_ssh(char **words) {
  struct stat own, other;
  const char *path = getenv("PATH");
  bool know_own = stat("/proc/self/exe", &own) == 0;
  for (const char *at = path ? path : "/usr/bin:/bin"; at; at = strchr(at, ':') ? strchr(at, ':') + 1 : NULL) {
    char candidate[4096];
    int folder = (int)strcspn(at, ":");
    if (snprintf(candidate, sizeof candidate, "%.*s/ssh", folder, at) >= (int)sizeof candidate) continue;
    if (stat(candidate, &other) || !S_ISREG(other.st_mode) || access(candidate, X_OK)) continue;
    if (know_own && own.st_dev == other.st_dev && own.st_ino == other.st_ino) continue;
    execv(candidate, words);
  }
  fprintf(stderr, "ssh: that is no node of this job (%s), and there is no other ssh here\n", getenv("STOKER_HOSTS") ? getenv("STOKER_HOSTS") : "");
  exit(255);
}

static char *text_of_input(void) {
  static char text[most_input + 1];
  size_t length = 0;
  while (length < most_input) {
    ssize_t got = read(0, text + length, most_input - length);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    length += (size_t)got;
  }
  if (length == most_input) die("the script on standard input is longer than %d bytes", most_input);
  text[length] = 0;
  return text;
}

int ssh_main(int count, char **words) {
  struct rsh_words call;
  if (!rsh_words_find(count - 1, words + 1, true, &call) || !is_of_job(call.host)) real_ssh(words);
  if (!*call.command && isatty(0)) die("give a command: a terminal on a node is `stoker job node exec`");
  if (!*call.command) call.command = text_of_input();
  return rsh_call(&call);
}
