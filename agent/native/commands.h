// The subcommands: each gets the words after its name and returns the exit code.
#pragma once

int run_main(int count, char **words);
int rsh_main(int count, char **words);
int copy_main(int count, char **words);
int lease_main(const char *command, int count, char **words);
int spawn_main(void);
int salvage_main(int count, char **words);
int watch_main(int count, char **words);
int freezer_main(int count, char **words);
