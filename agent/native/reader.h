// Whose rights a look into a job's folders has: a link that a job has left there leads only where its own account could go. The agent's own where
// none is given.
#pragma once
#include <stdbool.h>

// `--as "UID GID GROUP…"` and `--without-links`, which follows no link at all; the number of words that were its own. Ends the process where they
// make no sense.
int reader_words_read(int count, char **words);

// From here on files are opened as the reader, or as the agent again.
void reader_begin(void);
void reader_end(void);

bool reader_follows_links(void);
