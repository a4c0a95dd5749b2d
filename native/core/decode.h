/*
 * Bytecode decoding: from a bs_code to instructions, as that Python's own dis.get_instructions
 * would give them with default arguments. What differs between versions is rows: one
 * core/opcodes/3_NN.def per version, listed in core/opcodes.h.
 *
 * The bytes are untrusted. An opcode without a name is called "<N>", an argument out of range gets
 * the argument text "<out of range>" (dis would raise), and nothing is read outside the code.
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
    uint32_t size_units;   /* without caches and EXTENDED_ARGs */
    uint32_t cache_units;
    uint32_t arg;
    uint32_t line;       /* BS_NO_LINE where the line table has none */
    uint32_t label;      /* from 3.13 on: n of "L<n>" when this is a jump target */
    uint32_t jump_units; /* where a jump goes, for has_jump */
    uint8_t opcode;      /* base form */
    uint8_t specialized; /* as in bs_code.adaptive; equal to opcode where not specialised */
    bool has_arg;
    bool has_jump;
    bool starts_line;
    bool is_jump_target;
};

struct bs_instructions {
    const struct bs_code *code; /* borrowed */
    struct bs_instruction *items;
    size_t count;
    uint32_t *by_unit; /* index of the instruction that covers each code unit */
    size_t unit_count;
};

/* Whether there are rows for @p python (PY_VERSION_HEX): 3.10 to 3.15. */
bool bs_decode_supports(uint32_t python);

/* Decode @p code, which must outlive the result. */
struct bs_error *bs_decode(const struct bs_code *code, struct bs_instructions *ret);
void bs_instructions_deinit(struct bs_instructions *instructions);

/* The instruction that covers code unit @p offset_units (its caches included), or NULL. */
const struct bs_instruction *bs_instruction_at(const struct bs_instructions *instructions,
                                               uint32_t offset_units);

/* Append the argument text (argrepr of dis), "" for none. */
void bs_instruction_argrepr(const struct bs_instructions *instructions,
                            const struct bs_instruction *instruction, struct bs_buffer *buffer);

/* The name of @p opcode on @p python, specialised and instrumented forms included; NULL: none. */
const char *bs_opcode_name(uint32_t python, uint8_t opcode);
/* The form from which @p opcode is specialised or instrumented, or itself. */
uint8_t bs_opcode_base(uint32_t python, uint8_t opcode);

#endif
