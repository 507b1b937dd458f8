// Just enough JSON to send one object of strings and numbers.
#pragma once
#include <stddef.h>

struct text {
  char *bytes;
  size_t length;
  size_t capacity;
};

void text_add(struct text *text, const char *words);
// Quoted; bytes that are no UTF-8 are sent as they are.
void json_add_string(struct text *text, const char *value);
