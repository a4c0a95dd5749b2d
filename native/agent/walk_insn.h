/*
 * What kind of machine instruction is at an address, as far as the walk cares: those that enter and
 * leave functions, and those that stepping must take care of. Reads no byte past the instruction.
 */
#ifndef BS_AGENT_WALK_INSN_H
#define BS_AGENT_WALK_INSN_H

#include <stdint.h>

enum insn_kind {
    INSN_OTHER,
    INSN_CALL,        /* near */
    INSN_RETURN,      /* near */
    INSN_JUMP,        /* always taken */
    INSN_JUMP_MEMORY, /* the same, through a word at a fixed address: what PLT stubs do */
    INSN_BRANCH,      /* taken or not */
    INSN_SYSCALL,
    INSN_PUSH_FLAGS,
    INSN_REPEAT,     /* a string instruction, which traps at each round when it is stepped */
    INSN_BREAKPOINT, /* not what was there before a debugger came */
};

#define INSN_SYSCALL_BYTES 2

enum insn_kind bs_insn_kind(const uint8_t *code);

#endif
