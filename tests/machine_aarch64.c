#ifdef __aarch64__

#include "machine.h"

#include <linux/elf.h>
#include <string.h>

#define LINK_REGISTER 30

const struct machine machine = {
    .breakpoint = {0x00, 0x00, 0x20, 0xd4}, /* brk #0 */
    .breakpoint_bytes = 4,
    .more = NT_PRFPREG,
    .dwarf_sp = 31, /* DWARF for the Arm 64-bit Architecture, 4.1 */
    .callers_come_late = true,
};

uint64_t machine_pc(const struct user_regs_struct *registers) {
    return registers->pc;
}

void machine_set_pc(struct user_regs_struct *registers, uint64_t pc_addr) {
    registers->pc = pc_addr;
}

uint64_t machine_sp(const struct user_regs_struct *registers) {
    return registers->sp;
}

uint64_t machine_argument(const struct user_regs_struct *registers, size_t index) {
    return registers->regs[index];
}

uint64_t machine_result(const struct user_regs_struct *registers) {
    return registers->regs[0];
}

uint64_t machine_return_addr(const struct user_regs_struct *registers, uint64_t at_sp) {
    return registers->regs[LINK_REGISTER];
}

/* A system call that was interrupted is restarted by the program counter, which is put back. */
void machine_enter(struct user_regs_struct *registers, uint64_t function_addr,
                   const uint64_t args[BS_CALL_ARGS_MAX]) {
    registers->sp = (registers->sp & ~15ull) - 16;
    registers->pc = function_addr;
    registers->regs[LINK_REGISTER] = 0;
    memcpy(registers->regs, args, BS_CALL_ARGS_MAX * sizeof(*args));
}

#endif
