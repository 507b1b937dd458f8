#include "rsh_words.h"

#include <string.h>

#include "json.h"
#include "say.h"

// Options of ssh that take a value: Open MPI, Hydra and users' own scripts pass some of them.
static const char with_value[] = "bcDEeFIiJLlmOopQRSWw";

void rsh_words_read(int count, char **words, struct rsh_words *call) {
  int at = 0;
  while (at < count && words[at][0] == '-' && words[at][1]) {
    const char *option = words[at++];
    if (!strcmp(option, "--")) break;
    if (strchr(with_value, option[1]) && !option[2]) at++;
  }
  if (at >= count) usage();
  const char *user_end = strchr(words[at], '@');
  call->host = user_end ? user_end + 1 : words[at];
  struct text command = {0};
  text_add(&command, "");
  for (at++; at < count; at++) {
    if (command.length) text_add(&command, " ");
    text_add(&command, words[at]);
  }
  if (!command.length) usage();
  call->command = command.bytes;
}
