// What stands between an agent and the processes of a job, and outlives the agent. One subcommand a file.
#include <string.h>

#include "commands.h"
#include "say.h"

static int ends_in(const char *text, const char *end) {
  size_t length = strlen(text), tail = strlen(end);
  return length >= tail && strcmp(text + length - tail, end) == 0;
}

int main(int count, char **words) {
  // In a folder of its own on every job's PATH: see ssh.c.
  const char *slash = count > 0 ? strrchr(words[0], '/') : NULL;
  if (count > 0 && !strcmp(slash ? slash + 1 : words[0], "ssh")) return ssh_main(count, words);
  // Launchers of MPI name one program and add no words of their own: under a name such as stoker-rsh it is that launcher.
  if (count > 0 && ends_in(words[0], "rsh")) return rsh_main(count - 1, words + 1);
  if (count < 2) usage();
  const char *command = words[1];
  if (!strcmp(command, "run")) return run_main(count - 2, words + 2);
  if (!strcmp(command, "spawn")) return spawn_main();
  if (!strcmp(command, "salvage")) return salvage_main(count - 2, words + 2);
  if (!strcmp(command, "rsh")) return rsh_main(count - 2, words + 2);
  if (!strcmp(command, "copy")) return copy_main(count - 2, words + 2);
  if (!strcmp(command, "list")) return list_main(count - 2, words + 2);
  if (!strcmp(command, "read")) return read_main(count - 2, words + 2);
  if (!strcmp(command, "look")) return look_main(count - 2, words + 2);
  if (!strcmp(command, "folder")) return folder_main(count - 2, words + 2);
  if (!strcmp(command, "confined")) return confined_main(count - 2, words + 2);
  if (!strcmp(command, "release")) return release_main();
  if (!strcmp(command, "apart")) return apart_main();
  if (!strcmp(command, "devices")) return devices_main(count - 2, words + 2);
  if (!strcmp(command, "join")) return join_main(count - 2, words + 2);
  if (!strcmp(command, "watch")) return watch_main(count - 2, words + 2);
  if (!strcmp(command, "enter")) return enter_main(count - 2, words + 2);
  if (!strcmp(command, "hold")) return hold_main();
  if (!strcmp(command, "freezer")) return freezer_main(count - 2, words + 2);
  if (!strcmp(command, "freeze") || !strcmp(command, "thaw") || !strcmp(command, "kill")) return lease_main(command, count - 2, words + 2);
  usage();
}
