#define _GNU_SOURCE
#include "reader.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/types.h>
#include <unistd.h>

#include "commands.h"
#include "say.h"

enum { most_groups = 1024 };

static uid_t account;
static gid_t group;
static bool without_links;

static unsigned long number(const char **text) {
  char *end;
  errno = 0;
  unsigned long value = strtoul(*text, &end, 10);
  if (errno || end == *text || (*end && *end != ' ') || value == 0 || value >= 0xffffffffUL) usage();
  *text = *end ? end + 1 : end;
  return value;
}

static void read_account(const char *text) {
  gid_t groups[most_groups];
  size_t count = 0;
  account = (uid_t)number(&text);
  group = (gid_t)number(&text);
  while (*text && count < most_groups) groups[count++] = (gid_t)number(&text);
  if (setgroups(count, groups) < 0) die("groups: %s", strerror(errno));
}

int reader_words_read(int count, char **words) {
  int own = 0;
  for (; own < count && !strncmp(words[own], "--", 2); own++) {
    if (!strcmp(words[own], "--without-links")) without_links = true;
    else if (!strcmp(words[own], "--as") && own + 1 < count) read_account(words[++own]);
    else usage();
  }
  return own;
}

// The kernel then also takes from root what it may do to any file.
static void become(uid_t user, gid_t its_group) {
  if (!account) return;
  setfsgid(its_group);
  setfsuid(user);
  if ((uid_t)setfsuid((uid_t)-1) != user || (gid_t)setfsgid((gid_t)-1) != its_group) die("can't read as another account");
}

void reader_begin(void) { become(account, group); }
void reader_end(void) { become(0, 0); }
bool reader_follows_links(void) { return !without_links; }
