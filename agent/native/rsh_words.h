// The words of an rsh or ssh call: options, host, and the command joined with blanks, as ssh does it.
#pragma once
#include <stdbool.h>

struct rsh_words {
  const char *host;
  // Empty when there is none.
  char *command;
};

// False when there is no host among them. ssh takes options behind the host as well; launchers write none there.
bool rsh_words_find(int count, char **words, bool options_behind, struct rsh_words *call);

// As launchers call it; ends with the usage when there is no host or no command.
void rsh_words_read(int count, char **words, struct rsh_words *call);
