/*
 * Completion of a half-typed command line: verbs, options of the verb, values of an option, names
 * of settings, and Python names for CALL. File names are left to the debugger.
 */
#ifndef BS_COMMAND_COMPLETE_H
#define BS_COMMAND_COMPLETE_H

#include "command/session.h"

/* Receives each candidate: the whole word as it may stand in place of the last one. */
typedef void (*bs_candidate_fn)(void *arg, const char *word);

/*
 * Complete the last word of @p line, the text after `bytesight ` up to the cursor. The word is what
 * follows the last blank, quoted or not, and each candidate is a whole word to stand in its place
 * ("--engine=probe" for "--engine=pr", "hot(self.size" for "hot(self.si"). Candidates come in the
 * order of the tables, names sorted. Errors are swallowed: then there are no candidates.
 */
void bs_complete(struct bs_session *session, const struct bs_host *host, const char *line,
                 bs_candidate_fn fn, void *arg);

#endif
