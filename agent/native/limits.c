#include "limits.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "say.h"

void lower_file_limit(void) {
  struct rlimit files;
  const rlim_t modest = 8192;
  if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur <= modest) return;
  files.rlim_cur = modest;
  if (setrlimit(RLIMIT_NOFILE, &files) < 0) say("can't lower the limit of open files: %s", strerror(errno));
}
