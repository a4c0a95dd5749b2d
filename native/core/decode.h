/*
 * Bytecode decoding: from a bs_code to instructions, as that Python's own dis.get_instructions
 * would give them with default arguments, EXTENDED_ARG included. What differs between versions is
 * rows: one core/opcodes/3_NN.def per version, listed in core/opcodes.c.
 *
 * The bytes are untrusted. An opcode without a name is called "<N>", an argument out of range gets
 * the argument text "<out of range>" (dis would raise), a jump that does not lead to an instruction
 * is not taken for a jump, lines end where the line table stops making sense, and nothing is read
 * outside the code.
 */
#ifndef BS_CORE_DECODE_H
#define BS_CORE_DECODE_H

#include "core/buffer.h"
#include "core/code.h"
#include "core/error.h"

#include <stdbool.h>

#define BS_NO_LINE  UINT32_MAX
#define BS_NO_LABEL 0

struct bs_instruction {
    uint32_t offset_units; /* of the instruction itself, past its EXTENDED_ARGs */
    uint32_t cache_units;  /* that follow it; fewer than usual where the code ends in them */
    uint32_t arg;          /* with what the EXTENDED_ARGs before it contribute */
    uint32_t line;         /* BS_NO_LINE where the line table has none */
    uint32_t label;        /* from 3.13 on: n of "L<n>" when this is a jump target */
    uint32_t jump_units;   /* where a jump goes, for has_jump: always to an instruction */
    uint8_t opcode;        /* base form */
    uint8_t specialized;   /* as in bs_code.adaptive, without instrumentation; else opcode */
    bool has_arg;
    bool has_jump;
    bool starts_line; /* dis says so: up to 3.12 only where there is a line */
    bool is_jump_target;
};

struct bs_instructions {
    const struct bs_code *code; /* borrowed */
    struct bs_instruction *items;
    size_t count;
    uint32_t *by_unit; /* index of the instruction that covers each code unit */
    size_t unit_count;
};

/* BS_ERROR_UNSUPPORTED where the opcodes of @p python (PY_VERSION_HEX) are not known. */
struct bs_error *bs_decode_check(uint32_t python);

/*
 * Decode @p code, which must outlive the result. BS_ERROR_UNSUPPORTED for another version of
 * Python, BS_ERROR_CORRUPT where bytecode and adaptive are not whole code units of one length.
 */
struct bs_error *bs_decode(const struct bs_code *code, struct bs_instructions *ret);
void bs_instructions_deinit(struct bs_instructions *instructions);

/* The instruction that covers code unit @p offset_units (its caches included), or NULL. */
const struct bs_instruction *bs_instruction_at(const struct bs_instructions *instructions,
                                               uint32_t offset_units);

/* Append the argument text (argrepr of dis), "" for none. */
void bs_instruction_argrepr(const struct bs_instructions *instructions,
                            const struct bs_instruction *instruction, struct bs_buffer *buffer);

/*
 * Append the inline cache of @p instruction as its Python names the fields, such as
 * "counter: 832, version: 5"; nothing without a cache or without bs_code.adaptive.
 */
void bs_instruction_caches(const struct bs_instructions *instructions,
                           const struct bs_instruction *instruction, struct bs_buffer *buffer);

/*
 * The name of @p opcode on @p python, specialised and instrumented forms included, "<N>" for a
 * number that has none. NULL only for another version of Python.
 */
const char *bs_opcode_name(uint32_t python, uint8_t opcode);
/*
 * The form from which @p opcode is specialised or instrumented, or itself. A superinstruction of
 * 3.11 and 3.12 has the first of its two instructions as base.
 */
uint8_t bs_opcode_base(uint32_t python, uint8_t opcode);

#endif
