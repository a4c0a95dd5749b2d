#ifndef __x86_64__

#include "agent/walk_step.h"

const char *bs_step_unsupported(void) {
    return "this works on x86-64 only";
}

uint64_t bs_step_register(const struct step *step, int index) {
    (void)step, (void)index;
    return 0;
}

uint64_t bs_step_system_call(const struct step *step) {
    (void)step;
    return 0;
}

uint64_t bs_step_place(uint64_t pc_addr) {
    return pc_addr;
}

const char *bs_step_run(void (*call)(void *), void *call_arg, step_fn *seen, void *seen_arg) {
    (void)call, (void)call_arg, (void)seen, (void)seen_arg;
    return bs_step_unsupported();
}

#endif
