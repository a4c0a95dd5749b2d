/*
 * A child process that a test talks to, through pipes or through a terminal of its own. What the
 * child writes (standard output and error together) is kept, and searched from a position that
 * moves on: nothing is found twice.
 */
#ifndef TESTS_SESSION_TERMINAL_H
#define TESTS_SESSION_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct terminal {
    pid_t pid; /* 0: none */
    int in_fd, out_fd;
    bool is_tty;
    char *text; /* everything so far, terminated */
    size_t length, capacity;
    size_t position; /* what lies before it has been waited for */
};

#define TERMINAL_COLUMNS 100
#define TERMINAL_LINES   24

/* Start @p argv in this environment; with @p tty on a terminal of TERMINAL_COLUMNS. */
bool terminal_open(struct terminal *terminal, char *const *argv, char *const *environment,
                   bool tty);
/* Kill the child if it still runs, and forget it. */
void terminal_close(struct terminal *terminal);

bool terminal_send(struct terminal *terminal, const char *text);
/*
 * Wait until @p marker has been written, at most @p timeout_ms, and move the position past it.
 * Gives back what stood between the position and the marker, in @p ret (valid until the next
 * call on this terminal) and @p ret_length; false when it did not come.
 */
bool terminal_wait(struct terminal *terminal, const char *marker, int timeout_ms, const char **ret,
                   size_t *ret_length);
/* Ctrl-C: typed on a terminal, else the signal that it would send. */
void terminal_interrupt(struct terminal *terminal);
/* Wait until the child has ended, at most @p timeout_ms; its wait status, or -1. */
int terminal_wait_end(struct terminal *terminal, int timeout_ms);

#endif
