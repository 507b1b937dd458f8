// The words of an rsh or ssh call: options, host, and the command joined with blanks, as ssh does it.
#pragma once

struct rsh_words {
  const char *host;
  char *command;
};

void rsh_words_read(int count, char **words, struct rsh_words *call);
