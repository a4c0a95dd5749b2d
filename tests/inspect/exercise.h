/* Everything that inspect/ can read of a target, read: for targets that are damaged. */
#ifndef TESTS_INSPECT_EXERCISE_H
#define TESTS_INSPECT_EXERCISE_H

#include "inspect/target.h"

struct exercise {
    /* What to do. */
    size_t codes_max; /* code objects to read and decode */
    bool evaluator;   /* look for the dispatch table: reads all of the module's data */
    const char *name; /* to be looked up in the innermost frame; NULL: none */

    /* What came of it. */
    size_t threads, frames, codes, instructions, names;
    size_t errors; /* that were met on the way */
    uint64_t hash; /* of all texts and numbers read */
};

/* The first error that nothing can be read after, or NULL. */
struct bs_error *exercise_target(const struct bs_target *target, struct exercise *exercise);

#endif
