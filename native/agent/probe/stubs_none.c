#ifndef __x86_64__

#include "agent/probe/stubs.h"

#include <errno.h>

const char *bs_stubs_unsupported(void) {
    return "there is no probe for this processor architecture yet";
}

const char *bs_stubs_register_name(int index) {
    return "?";
}

int bs_stubs_create(const struct bs_table *table, enum bs_stub_kind kind, int index,
                    struct bs_stubs *ret) {
    return ENOSYS;
}

void bs_stubs_destroy(struct bs_stubs *stubs) {
}

#endif
