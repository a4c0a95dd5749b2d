/*
 * Source files that were changed on disk since the program was started: what is shown of them need
 * not be what runs. It is said, once for a command, as debuggers say it of C.
 *
 * Nothing is known of a process behind a stub, whose files are elsewhere, and of a core file, which
 * does not tell when its process was started.
 */
#ifndef BS_COMMAND_CHANGED_H
#define BS_COMMAND_CHANGED_H

#include "command/session.h"
#include "core/code.h"

struct bs_changed {
    const struct bs_host_state *state;
    int64_t started_ns;   /* of the wall clock; 0: not known */
    struct bs_text first; /* the first such file; empty: none */
    bool others;          /* there are more */
};

void bs_changed_init(const struct bs_host_state *state, struct bs_changed *ret);

/* Look at the file @p path, which is borrowed. */
void bs_changed_look(struct bs_changed *changed, struct bs_text path);

/* Print what was found, one line, or nothing. */
struct bs_error *bs_changed_print(const struct bs_command *command,
                                  const struct bs_changed *changed);

#endif
