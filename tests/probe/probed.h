/*
 * A Python that profiles itself with the agent: what the probe is tried in. The process prints a
 * line when it is ready and is sent the candidates for the dispatch table, which inspect/ finds
 * from outside, as in a session; from then on it does what its program says.
 */
#ifndef TESTS_PROBE_PROBED_H
#define TESTS_PROBE_PROBED_H

#include "format/request.h"
#include "interpreters.h"

#include <stdbool.h>
#include <stddef.h>

struct probed {
    struct process *process;
    struct bs_table_candidate candidates[BS_TABLE_CANDIDATES_MAX];
    size_t candidate_count;
};

/*
 * Start tests/@p program, which begins with probed.start() of tests/probe/programs/probed.py, with
 * up to 8 @p args, NULL-terminated. False: noted as failed, with nothing to end.
 */
bool probed_start(struct probed *probed, const struct interpreter *interpreter, const char *program,
                  const char *const *args);
void probed_end(struct probed *probed);

/* The next line that it prints; NULL at the end. Valid until the next. */
char *probed_read(struct probed *probed);

/* Run tests/@p program to its end and print what it prints, but for its signs of life, "#". */
void probed_print(const struct interpreter *interpreter, const char *program,
                  const char *const *args);

#endif
