/* The verbs `save` and `load`. */
#include "command/output.h"
#include "core/file.h"
#include "core/number.h"

struct bs_error *bs_command_save(struct bs_command *command) {
    struct bs_trace *trace;
    _cleanup_free_ char *path = NULL;
    struct bs_error *error = bs_command_trace_needed(command, &trace);
    if (!error)
        error = bs_output_path(command->verb, command->operand, &path);
    return error ? error : bs_output_save(command, trace, path);
}

struct bs_error *bs_command_load(struct bs_command *command) {
    struct bs_trace *trace;
    _cleanup_free_ char *path = NULL;
    struct bs_error *error = bs_output_path(command->verb, command->operand, &path);
    if (!error)
        error = bs_file_load(path, &trace);
    if (error)
        return error;
    bs_session_keep(command->session, trace);
    struct bs_text name = bs_trace_name(trace);
    return bs_output_line(command, "Loaded %zu event%s of `%.*s`; `bytesight show` prints them",
                          trace->event_count, bs_plural(trace->event_count), (int)name.length,
                          name.data);
}
