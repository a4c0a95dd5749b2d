/* Encodings: Intel SDM volume 2, section 2.1 (prefixes, ModRM) and appendix A (opcode maps). */
#ifdef __x86_64__

#include "agent/walk_insn.h"

#include <stdbool.h>

/* Legal instructions are at most 15 bytes; so many prefixes at most. */
#define PREFIXES_MAX 14

static bool is_legacy_prefix(uint8_t byte) {
    switch (byte) {
    case 0x26: /* segments, of which 0x2e and 0x3e are also branch hints and notrack */
    case 0x2e:
    case 0x36:
    case 0x3e:
    case 0x64:
    case 0x65:
    case 0x66: /* operand and address size */
    case 0x67:
    case 0xf0: /* lock */
    case 0xf2: /* repne, bnd */
    case 0xf3: /* rep */
        return true;
    default:
        return false;
    }
}

/* movs, cmps, stos, lods, scas; ins and outs are not for us. */
static bool is_string(uint8_t opcode) {
    return (opcode >= 0xa4 && opcode <= 0xa7) || (opcode >= 0xaa && opcode <= 0xaf);
}

static enum insn_kind group_5(uint8_t modrm) {
    switch (modrm >> 3 & 7) {
    case 2:
        return INSN_CALL;
    case 4:
        return modrm == 0x25 ? INSN_JUMP_MEMORY : INSN_JUMP;
    default:
        return INSN_OTHER;
    }
}

static enum insn_kind two_bytes(uint8_t opcode) {
    if (opcode == 0x05)
        return INSN_SYSCALL;
    return (opcode & 0xf0) == 0x80 ? INSN_BRANCH : INSN_OTHER;
}

enum insn_kind bs_insn_kind(const uint8_t *code) {
    bool repeat = false;
    int i = 0;
    for (; i < PREFIXES_MAX && is_legacy_prefix(code[i]); i++)
        repeat |= code[i] == 0xf2 || code[i] == 0xf3;
    if ((code[i] & 0xf0) == 0x40) /* REX */
        i++;
    switch (code[i]) {
    case 0x0f:
        return two_bytes(code[i + 1]);
    case 0x9c:
        return INSN_PUSH_FLAGS;
    case 0xc2:
    case 0xc3:
        return INSN_RETURN;
    case 0xcc:
        return INSN_BREAKPOINT;
    case 0xe8:
        return INSN_CALL;
    case 0xe9:
    case 0xeb:
        return INSN_JUMP;
    case 0xff:
        return group_5(code[i + 1]);
    default:
        if (repeat && is_string(code[i]))
            return INSN_REPEAT;
        return (code[i] & 0xf0) == 0x70 ? INSN_BRANCH : INSN_OTHER;
    }
}

#endif
