#ifndef __x86_64__

#include "agent/probe/stubs.h"

#include <errno.h>

const char *bs_stubs_unsupported(void) {
    return "there is no probe for this processor architecture yet";
}

const char *bs_stubs_register_name(int index) {
    return "?";
}

const struct bs_frame_base bs_stubs_frame_bases[BS_FRAME_BASES] = {};

int bs_stubs_create(const struct bs_table *table, enum bs_stub_kind kind,
                    const struct bs_holder *holder, struct bs_stubs *ret) {
    return ENOSYS;
}

void bs_stubs_destroy(struct bs_stubs *stubs) {
}

#endif
