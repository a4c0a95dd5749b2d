#ifdef __x86_64__

#include "agent/walk_repeat.h"

#include <stddef.h>

#define SLOT_BYTES 4
#define BREAKPOINT 0xcc

/*
 * One slot for each that compilers and C libraries use. They work on the registers of the code that
 * is sent here, and are compared with what it was to execute: to run another one, a line.
 */
extern const uint8_t bs_repeat_slots[][SLOT_BYTES] __attribute__((visibility("hidden")));
extern const uint8_t bs_repeat_slots_end[] __attribute__((visibility("hidden")));
__asm__(".pushsection .text\n"
        ".hidden bs_repeat_slots\n"
        ".hidden bs_repeat_slots_end\n"
        "    .balign 4, 0xcc\n"
        "bs_repeat_slots:\n"
        "    rep movsb\n    .balign 4, 0xcc\n"
        "    rep movsl\n    .balign 4, 0xcc\n"
        "    rep movsq\n    .balign 4, 0xcc\n"
        "    rep stosb\n    .balign 4, 0xcc\n"
        "    rep stosl\n    .balign 4, 0xcc\n"
        "    rep stosq\n    .balign 4, 0xcc\n"
        "bs_repeat_slots_end:\n"
        ".popsection\n");

/* The length of the instruction in @p slot, if it is the one at @p code; else 0. */
static size_t same_length(const uint8_t *slot, const uint8_t *code) {
    size_t i = 0;
    while (slot[i] != BREAKPOINT && slot[i] == code[i])
        i++;
    return slot[i] == BREAKPOINT ? i : 0;
}

bool bs_repeat_find(const uint8_t *code, struct repeat *ret) {
    for (const uint8_t *slot = bs_repeat_slots[0]; slot < bs_repeat_slots_end; slot += SLOT_BYTES) {
        size_t length = same_length(slot, code);
        if (!length)
            continue;
        *ret = (struct repeat){
            .their_addr = (uint64_t)(uintptr_t)code,
            .our_addr = (uint64_t)(uintptr_t)slot,
            .length_bytes = length,
        };
        return true;
    }
    return false;
}

#endif
