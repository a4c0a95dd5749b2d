#include "agent/probe/holder.h"

#include "agent/peek.h"
#include "agent/probe/stubs.h"

#include <stdio.h>
#include <string.h>

#define WORD_BYTES 8

struct bs_holder bs_holder_numbered(int number) {
    if (number < BS_MACHINE_REGISTERS)
        return (struct bs_holder){.index = number};
    number -= BS_MACHINE_REGISTERS;
    const struct bs_frame_base *base = &bs_stubs_frame_bases[number / BS_FRAME_WORDS];
    return (struct bs_holder){.index = base->index,
                              .in_memory = true,
                              .displacement_bytes = base->displacement_bytes +
                                                    WORD_BYTES * (number % BS_FRAME_WORDS)};
}

void bs_holder_read_all(const uint64_t registers[BS_MACHINE_REGISTERS],
                        struct bs_holder_record *ret) {
    memcpy(ret->value, registers, BS_MACHINE_REGISTERS * sizeof(*registers));
    for (int i = 0; i < BS_FRAME_BASES; i++) {
        const struct bs_frame_base *base = &bs_stubs_frame_bases[i];
        uint64_t *words = ret->value + BS_MACHINE_REGISTERS + i * BS_FRAME_WORDS;
        /* What is no frame pointer may lead anywhere. */
        if (!bs_peek(registers[base->index] + (uint64_t)(int64_t)base->displacement_bytes, words,
                     BS_FRAME_WORDS * WORD_BYTES))
            memset(words, 0, BS_FRAME_WORDS * WORD_BYTES);
    }
}

uint64_t bs_holder_read(struct bs_holder holder, uint64_t value) {
    uint64_t word = 0;
    if (!holder.in_memory)
        return value;
    bs_peek(value + (uint64_t)(int64_t)holder.displacement_bytes, &word, sizeof(word));
    return word;
}

void bs_holder_text(struct bs_holder holder, char *ret, size_t bytes) {
    const char *name = bs_stubs_register_name(holder.index);
    if (holder.in_memory)
        snprintf(ret, bytes, "the word at %s%+d", name, holder.displacement_bytes);
    else
        snprintf(ret, bytes, "register %s", name);
}
