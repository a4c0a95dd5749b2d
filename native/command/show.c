/* The verb `show`: the last trace again, in another way. */
#include "command/output.h"

struct bs_error *bs_command_show(struct bs_command *command) {
    struct bs_trace *trace;
    struct bs_error *error = bs_command_trace_needed(command, &trace);
    return error ? error : bs_output_trace(command, trace);
}
