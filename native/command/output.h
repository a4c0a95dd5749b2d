/*
 * What trace, profile and show do with a trace: print it, write it to files. File names are the
 * debugger's: relative to its directory, and "~/" is the user's home.
 */
#ifndef BS_COMMAND_OUTPUT_H
#define BS_COMMAND_OUTPUT_H

#include "command/session.h"
#include "core/trace.h"

/* Do what the options of @p command ask: print, or write JSON instead; then save. */
struct bs_error *bs_output_trace(const struct bs_command *command, const struct bs_trace *trace);

/* Print one line of text through the host. */
struct bs_error *bs_output_line(const struct bs_command *command, const char *format, ...)
    __attribute__((__format__(__printf__, 2, 3)));

/* The one file name that @p operand is, quoted or not; *ret is released with free(). */
struct bs_error *bs_output_path(const struct bs_verb *verb, const char *operand, char **ret);

/* Save to @p path, and say so. */
struct bs_error *bs_output_save(const struct bs_command *command, const struct bs_trace *trace,
                                const char *path);

#endif
