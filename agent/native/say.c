#include "say.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void write_line(const char *format, va_list words) {
  char text[1024];
  vsnprintf(text, sizeof text, format, words);
  fprintf(stderr, "stoker-shim: %s\n", text);
}

void say(const char *format, ...) {
  va_list words;
  va_start(words, format);
  write_line(format, words);
  va_end(words);
}

void die(const char *format, ...) {
  va_list words;
  va_start(words, format);
  write_line(format, words);
  va_end(words);
  exit(1);
}

void usage(void) {
  fputs("usage: stoker-shim run --dir DIR [--fence FILE] [--confine|--count FILE] [--] COMMAND [WORDS...]\n"
        "       stoker-shim join [--confine|--count FILE] FENCE FOLDER COMMAND [WORDS...]\n"
        "       stoker-shim list [--as \"UID GID GROUP...\"] [--without-links] BASE BELOW PATH MOST AFTER\n"
        "       stoker-shim read [--as \"UID GID GROUP...\"] [--without-links] BASE BELOW PATH OFFSET LENGTH follow|once\n"
        "       stoker-shim look ROOT [--as \"UID GID GROUP...\"] PATH...\n"
        "       stoker-shim watch --data DIR [--replace]\n"
        "       stoker-shim freezer auto|off|FOLDER\n"
        "       stoker-shim freeze|thaw|kill --lease ID [--spool DIR] [--cgroup DIR]\n"
        "       stoker-shim enter --holder PID --start TICKS [--directory DIR] [--confine FILE] -- COMMAND [WORDS...]\n"
        "       stoker-shim salvage --dir DIR\n"
        "       stoker-shim rsh [-x] [-n] [-l USER] HOST WORDS...\n"
        "       stoker-shim copy (--from FILE --to PATH)... [--done MARKER] [--result FILE] [--confine FILE | --trusted yes]\n"
        "       stoker-shim folder [--shared LEVEL]... DIR [NAMES...]\n"
        "       stoker-shim confined FILE COMMAND [WORDS...]\n"
        "       stoker-shim release\n"
        "       stoker-shim devices FOLDER [MINOR...]\n",
        stderr);
  exit(2);
}
