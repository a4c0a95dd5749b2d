/*
 * Source text of the program that is looked at, from the files that it sees itself: under its own
 * root directory, as in a container, and in its own working directory. Of a process behind a stub
 * or in a core file both are taken to be the debugger's.
 */
#ifndef BS_COMMAND_SOURCE_H
#define BS_COMMAND_SOURCE_H

#include "command/host.h"
#include "core/code.h"

#define BS_SOURCE_BYTES_MAX (64u << 20)

struct bs_source {
    char *data; /* in UTF-8, whatever the file is in; NULL: there is no such file here */
    size_t length;
    size_t *starts; /* of each line in `data`, one more than there are lines */
    size_t line_count;
};

/*
 * Load the file that the program calls @p path. That it cannot be had is no error, it has no lines
 * then. Fails only for want of memory.
 */
struct bs_error *bs_source_load(const struct bs_host_state *state, struct bs_text path,
                                struct bs_source *ret);
/* When that file was last changed, by the wall clock; 0: there is none. */
int64_t bs_source_time_ns(const struct bs_host_state *state, struct bs_text path);
void bs_source_deinit(struct bs_source *source);
#define _cleanup_source_ _cleanup_(bs_source_deinit)

/* Line @p line, counted from 1, without white space around it; empty where there is none. */
struct bs_text bs_source_line(const struct bs_source *source, uint32_t line);

#endif
