#ifdef __x86_64__

#include "machine.h"

#include <linux/elf.h>

#define RED_ZONE_BYTES 128 /* psABI 3.2.2: below the stack pointer, still in use */
#define DIRECTION      0x400ull

const struct machine machine = {
    .breakpoint = {0xcc},
    .breakpoint_bytes = 1,
    .more = NT_X86_XSTATE,
    .dwarf_sp = 7, /* psABI, figure 3.36 */
};

uint64_t machine_pc(const struct user_regs_struct *registers) {
    return registers->rip;
}

void machine_set_pc(struct user_regs_struct *registers, uint64_t pc_addr) {
    registers->rip = pc_addr;
}

uint64_t machine_sp(const struct user_regs_struct *registers) {
    return registers->rsp;
}

uint64_t machine_argument(const struct user_regs_struct *registers, size_t index) {
    const uint64_t arguments[] = {registers->rdi, registers->rsi, registers->rdx,
                                  registers->rcx, registers->r8,  registers->r9};
    return arguments[index];
}

uint64_t machine_result(const struct user_regs_struct *registers) {
    return registers->rax;
}

uint64_t machine_return_addr(const struct user_regs_struct *registers, uint64_t at_sp) {
    return at_sp;
}

void machine_enter(struct user_regs_struct *registers, uint64_t function_addr,
                   const uint64_t args[BS_CALL_ARGS_MAX]) {
    registers->rsp = ((registers->rsp - RED_ZONE_BYTES) & ~15ull) - sizeof(uint64_t);
    registers->rip = function_addr;
    registers->rdi = args[0];
    registers->rsi = args[1];
    registers->rdx = args[2];
    registers->rcx = args[3];
    registers->r8 = args[4];
    registers->r9 = args[5];
    registers->rax = 0;
    registers->orig_rax = UINT64_MAX; /* in no system call: nothing to restart */
    registers->eflags &= ~DIRECTION;  /* the psABI wants it clear */
}

#endif
