/* Functions that are stepped: what each does, and what the kernel's own stepping says of them. */
#ifndef TESTS_WALK_STEPPED_H
#define TESTS_WALK_STEPPED_H

#include "agent/walk_tree.h"

struct stepped {
    const char *name;
    void (*run)(void *arg);
    bool countable; /* executes the same each time, and ptrace can follow it: no threads, no
                       children, no handlers, no pops of the flags */
};

/*
 * All of them, ended by a NULL name. None of them looks at its argument. Each ends with a call of
 * stepped_leaf(), and with stepped_result -1 where something went wrong.
 */
extern const struct stepped stepped_functions[];
extern volatile int stepped_result;

/* What dladdr() is to find the names of. */
#define EXPORTED __attribute__((visibility("default"), noinline, noclone))

EXPORTED int stepped_leaf(int n);
/* In assembly, so that the counts are known: see stepped.c. */
EXPORTED void stepped_exact(void *arg);
#define STEPPED_EXACT_OUTER 9
#define STEPPED_EXACT_INNER 22 /* of both calls */

/* String instructions of each kind, each for so many bytes. */
EXPORTED void stepped_strings(void *arg);
#define STEPPED_BYTES 8000

/* Step @p run and grow the forest of it; what fails is a failed check. */
bool step_and_grow(void (*run)(void *), size_t limit, struct walk_forest *ret);

/*
 * The instructions that @p run executes, counted by another process that steps it by ptrace:
 * *ret_total of them; and those of the function @p own alone. False: ptrace is not allowed.
 */
bool count_by_ptrace(void (*run)(void *), const char *own, uint64_t *ret_total, uint64_t *ret_own);

#endif
