/* A Python program that was started to be stopped, and what can be seen of its process. */
#ifndef TESTS_COMMAND_PROGRAM_H
#define TESTS_COMMAND_PROGRAM_H

#include "command/session.h"
#include "interpreters.h"
#include "process_host.h"

struct program {
    FILE *output;
    pid_t pid;
    pid_t launcher; /* what is to be waited for: the program, or what started it */
    bool told;      /* to end */
    bool killed;    /* by the test: it has nothing more to say */
    struct process_host *process;
    struct bs_session *session; /* with the agent of BUILD_DIR */
};

/*
 * Start programs/stops.py with @p stop, wait until it is ready, let it get to where it will be
 * busy, and attach. `process` is NULL after a failed check.
 */
struct program program_start(const struct interpreter *interpreter, const char *stop);
/* The same with a copy of it, @p path. */
struct program program_start_file(const struct interpreter *interpreter, const char *path,
                                  const char *stop);
/* The same in a PID namespace of its own, as in a container; needs privileges, else `output` is
   NULL. */
struct program program_start_apart(const struct interpreter *interpreter, const char *stop);
/* The same with the child that it forks, and waits for. */
struct program program_start_forked(const struct interpreter *interpreter, const char *stop);
/* Tell it to end, once. */
void program_tell(struct program *program);
/* Let go, end it, and check that it has ended as if nothing had happened to it. */
void program_end(struct program *program);
#define _cleanup_program_ _cleanup_(program_end)

/* Run @p line; the process's output is emptied before. */
struct bs_error *program_run(struct program *program, const char *line);
/* The same; it must succeed and print @p part. */
#define CHECK_SHOWS(program, line, part)                                                           \
    program_check_shows((program), (line), (part), __FILE__, __LINE__)
bool program_check_shows(struct program *program, const char *command, const char *part,
                         const char *file, unsigned int line);

/* The line before the mappings, which come last: they may be cut off. */
#define PROGRAM_MAPPINGS "mappings:\n"

/*
 * What a command must leave as it was: descriptors, children, threads, signal handlers and masks,
 * mappings. Released with free().
 */
char *program_snapshot(const struct program *program);
/* Check that it is still so; what differs is printed. */
void program_check_unchanged(const struct program *program, const char *before);

/* Everything that trace and profile must do at a stop where they work. */
void program_check_works(struct program *program);

/* Some other thread of the process, not Python's: the last that it made. */
int program_last_thread(const struct program *program);

#endif
