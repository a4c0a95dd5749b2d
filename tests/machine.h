/*
 * What the tests know of the processor: the registers of a thread that is traced, and how a call
 * begins and ends. One file for each architecture: machine_x86_64.c, machine_aarch64.c.
 */
#ifndef TESTS_MACHINE_H
#define TESTS_MACHINE_H

#include "command/host.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/user.h>

#define MACHINE_MORE_BYTES 16384

/* All that a call may change: the general registers, and those for floating point and vectors. */
struct machine_registers {
    struct user_regs_struct general;
    char more[MACHINE_MORE_BYTES];
    size_t more_bytes;
};

struct machine {
    uint8_t breakpoint[4];
    size_t breakpoint_bytes;
    int more;              /* the kernel's number of the registers beside the general ones */
    unsigned int dwarf_sp; /* DWARF's of the stack pointer */
    /* GCC makes the thread lead to a new evaluator call before that leads to its callers: for some
       instructions (6 in Debian's 3.13) that leads nowhere, or to those of an earlier call. */
    bool callers_come_late;
};
extern const struct machine machine;

uint64_t machine_pc(const struct user_regs_struct *registers);
void machine_set_pc(struct user_regs_struct *registers, uint64_t pc_addr);
uint64_t machine_sp(const struct user_regs_struct *registers);
/* Of a function that is about to begin: an argument, from 0; and of one that has returned. */
uint64_t machine_argument(const struct user_regs_struct *registers, size_t index);
uint64_t machine_result(const struct user_regs_struct *registers);
/* Where a function that is about to begin goes back to; what is at its stack pointer may tell. */
uint64_t machine_return_addr(const struct user_regs_struct *registers, uint64_t at_sp);
/* Make @p registers those of a call that returns to address 0, once 0 is at its stack pointer. */
void machine_enter(struct user_regs_struct *registers, uint64_t function_addr,
                   const uint64_t args[BS_CALL_ARGS_MAX]);

#endif
