/*
 * Machine code for x86-64: one function per instruction that the stubs use, named and with its
 * operands in the order of the manual (Intel SDM volume 2, AMD64 manual volume 3): destination
 * first. Nothing here knows what the code is for.
 *
 * Code is written at the address where it will run, so that relative operands need no fixing up.
 * Failure sticks: past the end of the room, or with a target that a relative operand cannot reach,
 * nothing more is written and `failed` is set; it is looked at once, at the end.
 */
#ifndef BS_AGENT_PROBE_EMIT_X86_64_H
#define BS_AGENT_PROBE_EMIT_X86_64_H

#include <stdbool.h>
#include <stdint.h>

/* Registers as the encoding numbers them (SDM volume 2, table 2-2 and REX.B). */
enum bs_register {
    BS_RAX,
    BS_RCX,
    BS_RDX,
    BS_RBX,
    BS_RSP,
    BS_RBP,
    BS_RSI,
    BS_RDI,
    BS_R8,
    BS_R9,
    BS_R10,
    BS_R11,
    BS_R12,
    BS_R13,
    BS_R14,
    BS_R15,
    BS_REGISTERS,
};

/* Condition codes: the low four bits of Jcc (SDM volume 2, appendix B.1.4.7). */
enum bs_condition {
    BS_IF_EQUAL = 0x4,
    BS_IF_NOT_EQUAL = 0x5,
    BS_IF_ABOVE = 0x7,
};

struct bs_emitter {
    uint8_t *at, *end;
    bool failed;
};

/* `mem` below is a fixed address, reached relative to the instruction pointer. */

/* mov %source, mem   and   mov mem, %destination   (64 bits) */
void bs_emit_store_mem(struct bs_emitter *e, const void *mem, enum bs_register source);
void bs_emit_load_mem(struct bs_emitter *e, enum bs_register destination, const void *mem);
/* mov %source, offset(%base): 64 bits, its low 32, its low 16 */
void bs_emit_store(struct bs_emitter *e, enum bs_register base, int32_t offset,
                   enum bs_register source);
void bs_emit_store_32(struct bs_emitter *e, enum bs_register base, int32_t offset,
                      enum bs_register source);
void bs_emit_store_16(struct bs_emitter *e, enum bs_register base, int32_t offset,
                      enum bs_register source);
/* mov offset(%base), %destination */
void bs_emit_load(struct bs_emitter *e, enum bs_register destination, enum bs_register base,
                  int32_t offset);
/* movq $value, offset(%base): sign-extended */
void bs_emit_store_value(struct bs_emitter *e, enum bs_register base, int32_t offset,
                         int32_t value);
/* movb $value, offset(%base) */
void bs_emit_store_byte(struct bs_emitter *e, enum bs_register base, int32_t offset, uint8_t value);
/* lea offset(%base), %destination: addition that leaves the flags alone */
void bs_emit_lea(struct bs_emitter *e, enum bs_register destination, enum bs_register base,
                 int32_t offset);
/* mov %source, %destination, and mov $value, %destination: sign-extended */
void bs_emit_move_value(struct bs_emitter *e, enum bs_register destination, int32_t value);
void bs_emit_move(struct bs_emitter *e, enum bs_register destination, enum bs_register source);
/* and $value, %destination */
void bs_emit_and_8(struct bs_emitter *e, enum bs_register destination, int8_t value);

/* cmpb $value, offset(%base) */
void bs_emit_compare_byte(struct bs_emitter *e, enum bs_register base, int32_t offset,
                          uint8_t value);
/* cmpl $value, %fs:offset */
void bs_emit_compare_fs(struct bs_emitter *e, int32_t offset, uint32_t value);

/* jcc target, jmp target: 32-bit displacements */
void bs_emit_jump_if(struct bs_emitter *e, enum bs_condition condition, const void *target);
void bs_emit_jump(struct bs_emitter *e, const void *target);
/* jcc over code that is not written yet: returns what bs_emit_land() needs to make it land here. */
uint8_t *bs_emit_jump_ahead_if(struct bs_emitter *e, enum bs_condition condition);
void bs_emit_land(struct bs_emitter *e, uint8_t *jump);

void bs_emit_push(struct bs_emitter *e, enum bs_register source);
/* push $value: 64 bits, sign-extended */
void bs_emit_push_value(struct bs_emitter *e, int32_t value);
void bs_emit_pop(struct bs_emitter *e, enum bs_register destination);
void bs_emit_call(struct bs_emitter *e, const void *target);
/* lea mem, %destination */
void bs_emit_lea_mem(struct bs_emitter *e, enum bs_register destination, const void *mem);
/* call *mem: through the 64-bit address that is stored there */
void bs_emit_call_mem(struct bs_emitter *e, const void *mem);
void bs_emit_return(struct bs_emitter *e);
void bs_emit_rdtsc(struct bs_emitter *e);

/* fxsave64, fxrstor64, xsave64, xrstor64 (%base) */
void bs_emit_fxsave(struct bs_emitter *e, enum bs_register base);
void bs_emit_fxrstor(struct bs_emitter *e, enum bs_register base);
void bs_emit_xsave(struct bs_emitter *e, enum bs_register base);
void bs_emit_xrstor(struct bs_emitter *e, enum bs_register base);

#endif
