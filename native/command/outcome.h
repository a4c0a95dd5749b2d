/* How CALL ended, in a sentence. */
#ifndef BS_COMMAND_OUTCOME_H
#define BS_COMMAND_OUTCOME_H

#include "command/session.h"
#include "core/trace.h"

/*
 * NULL when CALL returned or raised, which is what traces are made of; else the error that says
 * what happened and where. @p header is that of the image; @p trace is what could be made of it,
 * or NULL.
 */
struct bs_error *bs_outcome_error(const struct bs_command *command,
                                  const struct bs_image_header *header,
                                  const struct bs_trace *trace);

#endif
