/*
 * A Python process as a bs_target: memory through /proc/PID/mem, symbols from the files that are
 * mapped, modules from /proc/PID/maps. What the inspect suite reads its interpreters through.
 *
 * The programs under tests/inspect/programs talk in lines: they print what is true of them, then
 * block reading their input until the test, which has looked at them meanwhile, sends a line.
 */
#ifndef TESTS_INSPECT_PROCESS_H
#define TESTS_INSPECT_PROCESS_H

#include "inspect/target.h"
#include "interpreters.h"

#include <stdio.h>
#include <sys/types.h>

#define PROCESS_MODULES_MAX 512

struct process_module {
    char *path;
    uint64_t start_addr, end_addr;
};

struct process {
    pid_t pid;
    FILE *to; /* its input */
    int from; /* its output */
    int memory_fd;
    struct process_module modules[PROCESS_MODULES_MAX];
    size_t module_count;
    struct bs_target target;
    char *output; /* read from it so far, from the line last returned on */
    size_t output_length, output_capacity, line_length;
};

/* Start tests/inspect/programs/@p program with @p args (NULL-terminated); false: noted as failed.
 */
bool process_start(struct process *process, const struct interpreter *interpreter,
                   const char *program, const char *const *args);
/* It has said all that it has to say: whether it ends by itself, with 0. */
bool process_succeeds(struct process *process);
/* Kill it and release everything. */
void process_end(struct process *process);

/* The next line that it prints, without the newline; NULL at the end, or when it says nothing for
   a minute. Valid until the next. */
char *process_read(struct process *process);
/* Whether it has said more, now or within @p ms. */
bool process_says_more(struct process *process, int ms);
void process_send(struct process *process, const char *line);
/* Read the maps again, as a debugger does when libraries were loaded. */
bool process_refresh(struct process *process);
/* Stop it wherever it is, and wait until it is stopped; let it go on. */
bool process_stop(struct process *process);
void process_continue(struct process *process);

#endif
