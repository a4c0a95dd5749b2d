#include "command/changed.h"

#include "command/clock.h"
#include "command/output.h"
#include "command/process.h"
#include "command/source.h"
#include "core/text.h"

/* The start is known to a clock tick, and a file's time by a clock that may have been set since. */
#define MARGIN_NS ((int64_t)BS_NS_PER_S)

void bs_changed_init(const struct bs_host_state *state, struct bs_changed *ret) {
    *ret = (struct bs_changed){.state = state};
    if (state->kind == BS_HOST_LIVE)
        ret->started_ns = bs_process_started_ns(state->pid);
}

void bs_changed_look(struct bs_changed *changed, struct bs_text path) {
    if (!changed->started_ns || changed->others ||
        bs_source_time_ns(changed->state, path) <= changed->started_ns + MARGIN_NS)
        return;
    if (!changed->first.length)
        changed->first = path;
    else
        changed->others = !bs_text_equal(changed->first, path);
}

struct bs_error *bs_changed_print(const struct bs_command *command,
                                  const struct bs_changed *changed) {
    const int length = (int)changed->first.length;
    const char *path = changed->first.data;
    if (!length)
        return NULL;
    if (!changed->others)
        return bs_output_line(command,
                              "%.*s was changed after the program was started: its lines may not "
                              "be those that run",
                              length, path);
    return bs_output_line(command,
                          "%.*s and others were changed after the program was started: their "
                          "lines may not be those that run",
                          length, path);
}
