/* The verb `profile`: the same run, timed. */
#include "command/run.h"

struct bs_error *bs_command_profile(struct bs_command *command) {
    const struct bs_options *options = &command->options;
    uint32_t flags = BS_REQUEST_PROFILE;
    if (options->native != BS_NATIVE_NONE)
        flags |= BS_REQUEST_NATIVE;
    if (options->adaptive)
        flags |= BS_REQUEST_ADAPTIVE;
    return bs_command_run(command, flags);
}
