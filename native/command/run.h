/*
 * One run of CALL: write the request, call bytesight_start, watch the shared mapping, copy the
 * image out, call bytesight_finish, remove what was mapped. The inferior stays stopped throughout,
 * but for --in-process, where a call of bytesight_run is the run.
 */
#ifndef BS_COMMAND_RUN_H
#define BS_COMMAND_RUN_H

#include "command/session.h"
#include "format/request.h"

/*
 * Run the command's operand with @p flags (enum bs_request_flags) and give back its trace, which
 * the caller owns. When CALL ended badly after events were recorded, both may come: the error that
 * says how it ended, and the trace up to there in *ret, else NULL.
 */
struct bs_error *bs_run(struct bs_command *command, uint32_t flags, struct bs_trace **ret);

/* What trace and profile have in common: run, keep the trace as the last one, print it. */
struct bs_error *bs_command_run(struct bs_command *command, uint32_t flags);

#endif
