#include "rsh_words.h"

#include <string.h>

#include "json.h"
#include "say.h"

// Options of ssh that take a value: Open MPI, Hydra and users' own scripts pass some of them.
static const char with_value[] = "bcDEeFIiJLlmOopQRSWw";

// Letters may stand together; the value of the last one follows in the same word, or is the next.
static bool takes_next(const char *option) {
  for (const char *letter = option + 1; *letter; letter++)
    if (strchr(with_value, *letter)) return !letter[1];
  return false;
}

static int after_options(int at, int count, char **words) {
  while (at < count && words[at][0] == '-' && words[at][1]) {
    const char *option = words[at++];
    if (!strcmp(option, "--")) break;
    if (takes_next(option)) at++;
  }
  return at;
}

bool rsh_words_find(int count, char **words, bool options_behind, struct rsh_words *call) {
  int at = after_options(0, count, words);
  if (at >= count) return false;
  const char *user_end = strchr(words[at], '@');
  call->host = user_end ? user_end + 1 : words[at];
  at++;
  if (options_behind) at = after_options(at, count, words);
  struct text command = {0};
  text_add(&command, "");
  for (; at < count; at++) {
    if (command.length) text_add(&command, " ");
    text_add(&command, words[at]);
  }
  call->command = command.bytes;
  return true;
}

void rsh_words_read(int count, char **words, struct rsh_words *call) {
  if (!rsh_words_find(count, words, false, call) || !*call->command) usage();
}
