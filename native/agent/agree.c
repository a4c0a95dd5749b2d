#include "agent/agree.h"

/* How far ahead the two may meet again, both sides together. */
#define WINDOW 64

/* As many passed over on both sides at once are a path of their own. */
#define STRETCH 2

/* How many steps and events are passed over, from the same instruction to the same instruction. */
struct gap {
    size_t steps, events;
};

static bool meet(const struct bs_path *steps, size_t step, const struct bs_path *events,
                 size_t event) {
    return step < steps->count && event < events->count &&
           steps->places[step] == events->places[event];
}

/* The nearest meeting from @p step and @p event on; all that is left where there is none. */
static struct gap find_gap(const struct bs_path *steps, size_t step, const struct bs_path *events,
                           size_t event) {
    for (size_t distance = 0; distance < WINDOW; distance++) {
        for (size_t passed = 0; passed <= distance; passed++) {
            if (meet(steps, step + distance - passed, events, event + passed))
                return (struct gap){distance - passed, passed};
        }
    }
    return (struct gap){steps->count - step, events->count - event};
}

static bool is_path_of_its_own(struct gap gap, bool exact) {
    if (exact)
        return gap.steps || gap.events;
    return gap.steps >= WINDOW || gap.events >= WINDOW ||
           (gap.steps >= STRETCH && gap.events >= STRETCH);
}

bool bs_paths_part(const struct bs_path *steps, const struct bs_path *events, bool exact,
                   size_t *ret_step, size_t *ret_event) {
    size_t step = 0, event = 0;
    struct gap gap = {0, 0};
    while (step < steps->count || event < events->count) {
        gap = find_gap(steps, step, events, event);
        if (is_path_of_its_own(gap, exact) ||
            !meet(steps, step + gap.steps, events, event + gap.events))
            break;
        step += gap.steps + 1;
        event += gap.events + 1;
        gap = (struct gap){0, 0};
    }
    *ret_step = step;
    *ret_event = event;
    return is_path_of_its_own(gap, exact);
}
