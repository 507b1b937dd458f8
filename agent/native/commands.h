// The subcommands: each gets the words after its name and returns the exit code.
#pragma once

struct rsh_words;

int run_main(int count, char **words);
int rsh_main(int count, char **words);
int ssh_main(int count, char **words);
int rsh_call(const struct rsh_words *call);
int copy_main(int count, char **words);
int lease_main(const char *command, int count, char **words);
int spawn_main(void);
int salvage_main(int count, char **words);
int watch_main(int count, char **words);
int freezer_main(int count, char **words);
int enter_main(int count, char **words);
int hold_main(void);
int list_main(int count, char **words);
int read_main(int count, char **words);
int look_main(int count, char **words);
int folder_main(int count, char **words);
int confined_main(int count, char **words);
int devices_main(int count, char **words);
int release_main(void);
int apart_main(void);
int join_main(int count, char **words);
