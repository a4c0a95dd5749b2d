/*
 * What may hold the address of the instruction when a handler begins: a register or, where the
 * evaluator was compiled without optimisation or with a sanitizer that wants the registers for
 * itself, a word of its frame on the C stack, always as far from the stack pointer or the frame
 * pointer.
 */
#ifndef BS_AGENT_PROBE_HOLDER_H
#define BS_AGENT_PROBE_HOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* General registers, as instructions number them. */
#define BS_MACHINE_REGISTERS 16

struct bs_holder {
    int index;                  /* of the register that holds the address */
    bool in_memory;             /* the register leads to a word that holds it */
    int32_t displacement_bytes; /* from the register's value to the word */
};

/* Candidates are numbered: the registers, then the words that each frame base leads to. */
#define BS_FRAME_BASES  2
#define BS_FRAME_WORDS  128
#define BS_HOLDER_COUNT (BS_MACHINE_REGISTERS + BS_FRAME_BASES * BS_FRAME_WORDS)

struct bs_frame_base {
    int index;                  /* of the register */
    int32_t displacement_bytes; /* from its value to the first of BS_FRAME_WORDS words */
};

/* What all candidates held at one dispatch: 0 where no memory is. */
struct bs_holder_record {
    uint64_t value[BS_HOLDER_COUNT];
    uint64_t entry; /* index into the table */
};

struct bs_holder bs_holder_numbered(int number);

/* Fill @p ret but for its entry. Safe in signal handlers; errno may change. */
void bs_holder_read_all(const uint64_t registers[BS_MACHINE_REGISTERS],
                        struct bs_holder_record *ret);

/* What @p holder holds; @p value is its register's. Safe as above. */
uint64_t bs_holder_read(struct bs_holder holder, uint64_t value);

/* @p holder in words for people. */
void bs_holder_text(struct bs_holder holder, char *ret, size_t bytes);

#endif
