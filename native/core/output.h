/*
 * A file that appears whole or not at all: it is written beside its place and moved there at the
 * end, so that what was there before stays until then, and stays for good when something fails.
 */
#ifndef BS_CORE_OUTPUT_H
#define BS_CORE_OUTPUT_H

#include "core/error.h"

#include <stddef.h>

struct bs_output {
    int fd;
    char *path;      /* where it is to appear, symbolic links followed */
    char *temporary; /* where it is; NULL once it was moved */
};

/* @p path must not be there, or be a regular file, whose mode the new one gets; or be a symbolic
   link to one of them. */
struct bs_error *bs_output_open(const char *path, struct bs_output *ret);
struct bs_error *bs_output_write(struct bs_output *output, const void *data, size_t length);
/* Move it to its place. */
struct bs_error *bs_output_commit(struct bs_output *output);
/* Release @p output, and remove the file if it was not moved. */
void bs_output_deinit(struct bs_output *output);
#define _cleanup_output_ _cleanup_(bs_output_deinit)

#endif
