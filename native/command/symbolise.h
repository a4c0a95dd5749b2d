/*
 * Naming C addresses: after the image of a profile was copied out, the debugger is asked once for
 * each address of its CALLS, and the answers become its SYMBOLS. A saved trace then needs neither
 * the debugger nor the program.
 */
#ifndef BS_COMMAND_SYMBOLISE_H
#define BS_COMMAND_SYMBOLISE_H

#include "command/host.h"
#include "command/progress.h"

#include <stddef.h>

/*
 * Describe the addresses in the CALLS of the image at *@p image, which is a packed image from
 * malloc() that nobody has checked yet, and replace it by one with SYMBOLS. Without CALLS, or where
 * the image makes no sense (bs_trace_create will say so), it stays as it is. An address that the
 * host cannot describe has no symbol. Fails for want of memory and when interrupted; the image is
 * as before then.
 */
struct bs_error *bs_symbolise(const struct bs_host *host, struct bs_progress *progress,
                              void **image, size_t *length);

#endif
