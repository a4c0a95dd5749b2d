/* The verb `trace`: one run, every event. */
#include "command/output.h"
#include "command/run.h"

struct bs_error *bs_command_run(struct bs_command *command, uint32_t flags) {
    struct bs_trace *trace = NULL;
    struct bs_error *error = bs_run(command, flags, &trace);
    if (trace)
        bs_session_keep(command->session, trace);
    return error ? error : bs_output_trace(command, trace);
}

struct bs_error *bs_command_trace(struct bs_command *command) {
    return bs_command_run(command, 0);
}
