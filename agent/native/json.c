#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "say.h"

void text_add(struct text *text, const char *words) {
  size_t more = strlen(words);
  if (text->length + more + 1 > text->capacity) {
    text->capacity = (text->length + more + 1) * 2;
    text->bytes = realloc(text->bytes, text->capacity);
    if (!text->bytes) die("out of memory");
  }
  memcpy(text->bytes + text->length, words, more + 1);
  text->length += more;
}

void json_add_string(struct text *text, const char *value) {
  text_add(text, "\"");
  for (const unsigned char *at = (const unsigned char *)value; *at; at++) {
    char word[8] = {(char)*at};
    if (*at == '"' || *at == '\\') snprintf(word, sizeof word, "\\%c", *at);
    else if (*at < 0x20) snprintf(word, sizeof word, "\\u%04x", *at);
    text_add(text, word);
  }
  text_add(text, "\"");
}
