#include "agent/probe/emit_x86_64.h"

#include <string.h>

/* ModRM.mod (SDM volume 2, table 2-2). */
#define MOD_NO_OFFSET 0
#define MOD_OFFSET_8  1
#define MOD_OFFSET_32 2
#define MOD_REGISTER  3
#define RM_RELATIVE   5 /* with MOD_NO_OFFSET: %rip plus 32 bits */
#define RM_SIB        4 /* a SIB byte follows: RSP and R12 as base need one */
#define SIB_BASE_ONLY 0x24
#define SIB_OFFSET    0x25 /* no base, no index: 32 bits */

#define REX_W 0x48 /* 64-bit operand */
#define REX_R 0x44 /* fourth bit of ModRM.reg */
#define REX_B 0x41 /* fourth bit of ModRM.rm */

#define PREFIX_OPERAND_16 0x66
#define PREFIX_FS         0x64

static void byte(struct bs_emitter *e, uint8_t value) {
    if (e->at >= e->end)
        e->failed = true;
    if (!e->failed)
        *e->at++ = value;
}

static void bytes_32(struct bs_emitter *e, uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8)
        byte(e, (uint8_t)(value >> shift));
}

/* The 4-byte distance to @p target from the end of the instruction, of which it is the last field.
 */
static void relative(struct bs_emitter *e, const void *target) {
    int64_t distance = (const uint8_t *)target - (e->at + 4);
    if (distance != (int32_t)distance)
        e->failed = true;
    bytes_32(e, (uint32_t)distance);
}

static uint8_t modrm(int mod, int reg, int rm) {
    return (uint8_t)(mod << 6 | (reg & 7) << 3 | (rm & 7));
}

/* The last byte of an opcode, and its operands: a register (or a digit) and offset(%base). */
static void operand_at(struct bs_emitter *e, uint8_t opcode, int reg, enum bs_register base,
                       int32_t offset) {
    byte(e, opcode);
    bool short_offset = offset == (int8_t)offset;
    /* RBP and R13 as base have no form without an offset. */
    int mod = offset == 0 && (base & 7) != BS_RBP ? MOD_NO_OFFSET
              : short_offset                      ? MOD_OFFSET_8
                                                  : MOD_OFFSET_32;
    byte(e, modrm(mod, reg, base));
    if ((base & 7) == RM_SIB)
        byte(e, SIB_BASE_ONLY);
    if (mod == MOD_OFFSET_8)
        byte(e, (uint8_t)offset);
    else if (mod == MOD_OFFSET_32)
        bytes_32(e, (uint32_t)offset);
}

static void with_base(struct bs_emitter *e, uint8_t rex, uint8_t opcode, int reg,
                      enum bs_register base, int32_t offset) {
    rex |= (reg >= BS_R8 ? REX_R : 0) | (base >= BS_R8 ? REX_B : 0);
    if (rex)
        byte(e, rex);
    operand_at(e, opcode, reg, base, offset);
}

static void with_mem(struct bs_emitter *e, uint8_t opcode, int reg, const void *mem) {
    byte(e, (uint8_t)(REX_W | (reg >= BS_R8 ? REX_R : 0)));
    byte(e, opcode);
    byte(e, modrm(MOD_NO_OFFSET, reg, RM_RELATIVE));
    relative(e, mem);
}

void bs_emit_store_mem(struct bs_emitter *e, const void *mem, enum bs_register source) {
    with_mem(e, 0x89, source, mem);
}

void bs_emit_load_mem(struct bs_emitter *e, enum bs_register destination, const void *mem) {
    with_mem(e, 0x8b, destination, mem);
}

void bs_emit_store(struct bs_emitter *e, enum bs_register base, int32_t offset,
                   enum bs_register source) {
    with_base(e, REX_W, 0x89, source, base, offset);
}

void bs_emit_store_32(struct bs_emitter *e, enum bs_register base, int32_t offset,
                      enum bs_register source) {
    with_base(e, 0, 0x89, source, base, offset);
}

void bs_emit_store_16(struct bs_emitter *e, enum bs_register base, int32_t offset,
                      enum bs_register source) {
    byte(e, PREFIX_OPERAND_16);
    with_base(e, 0, 0x89, source, base, offset);
}

void bs_emit_load(struct bs_emitter *e, enum bs_register destination, enum bs_register base,
                  int32_t offset) {
    with_base(e, REX_W, 0x8b, destination, base, offset);
}

void bs_emit_lea_mem(struct bs_emitter *e, enum bs_register destination, const void *mem) {
    with_mem(e, 0x8d, destination, mem);
}

void bs_emit_store_value(struct bs_emitter *e, enum bs_register base, int32_t offset,
                         int32_t value) {
    with_base(e, REX_W, 0xc7, 0, base, offset);
    bytes_32(e, (uint32_t)value);
}

void bs_emit_store_byte(struct bs_emitter *e, enum bs_register base, int32_t offset,
                        uint8_t value) {
    with_base(e, 0, 0xc6, 0, base, offset);
    byte(e, value);
}

void bs_emit_lea(struct bs_emitter *e, enum bs_register destination, enum bs_register base,
                 int32_t offset) {
    with_base(e, REX_W, 0x8d, destination, base, offset);
}

void bs_emit_compare_byte(struct bs_emitter *e, enum bs_register base, int32_t offset,
                          uint8_t value) {
    with_base(e, 0, 0x80, 7, base, offset);
    byte(e, value);
}

void bs_emit_compare_fs(struct bs_emitter *e, int32_t offset, uint32_t value) {
    byte(e, PREFIX_FS);
    byte(e, 0x81);
    byte(e, modrm(MOD_NO_OFFSET, 7, RM_SIB));
    byte(e, SIB_OFFSET);
    bytes_32(e, (uint32_t)offset);
    bytes_32(e, value);
}

void bs_emit_jump_if(struct bs_emitter *e, enum bs_condition condition, const void *target) {
    byte(e, 0x0f);
    byte(e, (uint8_t)(0x80 | condition));
    relative(e, target);
}

void bs_emit_jump(struct bs_emitter *e, const void *target) {
    byte(e, 0xe9);
    relative(e, target);
}

uint8_t *bs_emit_jump_ahead_if(struct bs_emitter *e, enum bs_condition condition) {
    bs_emit_jump_if(e, condition, e->at);
    return e->at;
}

void bs_emit_land(struct bs_emitter *e, uint8_t *jump) {
    if (e->failed)
        return;
    int32_t distance = (int32_t)(e->at - jump);
    memcpy(jump - sizeof(distance), &distance, sizeof(distance));
}

void bs_emit_push(struct bs_emitter *e, enum bs_register source) {
    if (source >= BS_R8)
        byte(e, REX_B);
    byte(e, (uint8_t)(0x50 | (source & 7)));
}

void bs_emit_push_value(struct bs_emitter *e, int32_t value) {
    byte(e, 0x68);
    bytes_32(e, (uint32_t)value);
}

void bs_emit_pop(struct bs_emitter *e, enum bs_register destination) {
    if (destination >= BS_R8)
        byte(e, REX_B);
    byte(e, (uint8_t)(0x58 | (destination & 7)));
}

void bs_emit_and_8(struct bs_emitter *e, enum bs_register destination, int8_t value) {
    byte(e, (uint8_t)(REX_W | (destination >= BS_R8 ? REX_B : 0)));
    byte(e, 0x83);
    byte(e, modrm(MOD_REGISTER, 4, destination));
    byte(e, (uint8_t)value);
}

void bs_emit_move_value(struct bs_emitter *e, enum bs_register destination, int32_t value) {
    byte(e, (uint8_t)(REX_W | (destination >= BS_R8 ? REX_B : 0)));
    byte(e, 0xc7);
    byte(e, modrm(MOD_REGISTER, 0, destination));
    bytes_32(e, (uint32_t)value);
}

void bs_emit_move(struct bs_emitter *e, enum bs_register destination, enum bs_register source) {
    byte(e, (uint8_t)(REX_W | (source >= BS_R8 ? REX_R : 0) | (destination >= BS_R8 ? REX_B : 0)));
    byte(e, 0x89);
    byte(e, modrm(MOD_REGISTER, source, destination));
}

void bs_emit_call(struct bs_emitter *e, const void *target) {
    byte(e, 0xe8);
    relative(e, target);
}

void bs_emit_call_mem(struct bs_emitter *e, const void *mem) {
    byte(e, 0xff);
    byte(e, modrm(MOD_NO_OFFSET, 2, RM_RELATIVE));
    relative(e, mem);
}

void bs_emit_return(struct bs_emitter *e) {
    byte(e, 0xc3);
}

void bs_emit_rdtsc(struct bs_emitter *e) {
    byte(e, 0x0f);
    byte(e, 0x31);
}

/* Group 15: 0F AE with a digit (SDM volume 2, table A-6). */
static void group_15(struct bs_emitter *e, int digit, enum bs_register base) {
    byte(e, (uint8_t)(REX_W | (base >= BS_R8 ? REX_B : 0)));
    byte(e, 0x0f);
    operand_at(e, 0xae, digit, base, 0);
}

void bs_emit_fxsave(struct bs_emitter *e, enum bs_register base) {
    group_15(e, 0, base);
}

void bs_emit_fxrstor(struct bs_emitter *e, enum bs_register base) {
    group_15(e, 1, base);
}

void bs_emit_xsave(struct bs_emitter *e, enum bs_register base) {
    group_15(e, 4, base);
}

void bs_emit_xrstor(struct bs_emitter *e, enum bs_register base) {
    group_15(e, 5, base);
}
