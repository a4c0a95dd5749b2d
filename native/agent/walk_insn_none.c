#ifndef __x86_64__

#include "agent/walk_insn.h"

enum insn_kind bs_insn_kind(const uint8_t *code) {
    (void)code;
    return INSN_OTHER;
}

#endif
