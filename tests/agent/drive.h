/* Runs of the agent in a real Python, through driver.py, and what came of them. */
#ifndef TESTS_AGENT_DRIVE_H
#define TESTS_AGENT_DRIVE_H

#include "core/trace.h"
#include "interpreters.h"

#define CASES    SOURCE_DIR "/tests/agent/programs/cases.py"
#define RUNS_MAX 56

/* One run to make, and what came of it. */
struct run {
    const char *call;
    const char *options; /* "name=value" lines, or NULL: see driver.py */
    struct bs_image_header header;
    struct bs_trace *trace; /* NULL: there was no image, or it could not be read */
    char *message;          /* the text of the outcome; "type: message" when CALL raised */
    char *oracle;           /* what sys.settrace saw, for oracle=1 */
};

/*
 * Make @p runs in one process of @p interpreter, which executes @p program first. Checks that the
 * process ends well and that nothing in it was changed by them. To be released with drive_release.
 */
void drive(const struct interpreter *interpreter, const char *program, struct run *runs,
           size_t count);
void drive_release(struct run *runs, size_t count);

/* The same without the checks: what the driver printed, terminated; the caller frees. */
char *drive_unchecked(const struct interpreter *interpreter, const char *program, struct run *runs,
                      size_t count, int *ret_status);

/* The events of @p trace as driver.py writes what sys.settrace sees; the caller frees. */
char *events_text(const struct bs_trace *trace);

#endif
