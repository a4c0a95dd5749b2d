/*
 * A command line taken apart into words, quoted as in a shell: 'as it is', "with \" and \\", and
 * \c outside quotes. Each word remembers where in the line it began, because CALL is taken raw
 * from there. A quote that is not closed reaches to the end of the line and is noted, no more:
 * within CALL it is Python's business.
 */
#ifndef BS_COMMAND_WORDS_H
#define BS_COMMAND_WORDS_H

#include "core/cleanup.h"
#include "core/error.h"

#include <stdbool.h>
#include <stddef.h>

struct bs_words {
    size_t count;
    char **items;    /* terminated by NULL, as getopt_long wants it; point into `text` */
    size_t *starts;  /* of each word in the line; one more: the length of the line */
    size_t unclosed; /* the word with the open quote, `count` when there is none */
    char *text;
};

/* The first word is @p zero, which is not in the line (argv[0]). */
struct bs_error *bs_words_init(const char *zero, const char *line, struct bs_words *ret);
void bs_words_deinit(struct bs_words *words);
#define _cleanup_words_ _cleanup_(bs_words_deinit)

bool bs_is_blank(char c);
/* Past the blanks at the start of @p text. */
const char *bs_skip_blanks(const char *text);

#endif
