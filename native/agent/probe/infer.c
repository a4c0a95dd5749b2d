#include "agent/probe/infer.h"

#include "agent/probe/table.h"

/* Too few would prove nothing. */
#define DISPATCHES_MIN 32

/* A handler may have moved the pointer on to the next instruction already (3.10: NEXTOPARG). */
static const int32_t offsets[] = {0, -2};

static bool byte_at(uint64_t value, int32_t offset_bytes, struct bs_code_range range,
                    uint8_t *ret) {
    uintptr_t addr = (uintptr_t)value + (uintptr_t)(intptr_t)offset_bytes;
    if (addr < range.start_addr || addr >= range.end_addr)
        return false;
    *ret = *(const uint8_t *)addr;
    return true;
}

/* Whether @p guess explains every record; its base is set from the first. */
static bool fits(const struct bs_holder_record *records, size_t count, struct bs_code_range range,
                 uint32_t entries, struct bs_inference *guess) {
    for (size_t i = 0; i < count; i++) {
        uint8_t opcode = 0;
        if (!byte_at(records[i].value[guess->number], guess->offset_bytes, range, &opcode))
            return i == count - 1;
        if (records[i].entry < opcode)
            return false;
        uint32_t base = (uint32_t)records[i].entry - opcode;
        if (i == 0)
            guess->base = base;
        if (base != guess->base || base + BS_TABLE_ENTRIES > entries)
            return false;
    }
    return true;
}

bool bs_infer(const struct bs_holder_record *records, size_t count, struct bs_code_range range,
              uint32_t entries, struct bs_inference *ret) {
    if (count < DISPATCHES_MIN)
        return false;
    for (int number = 0; number < BS_HOLDER_COUNT; number++) {
        for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
            struct bs_inference guess = {.number = number, .offset_bytes = offsets[i]};
            if (fits(records, count, range, entries, &guess)) {
                *ret = guess;
                return true;
            }
        }
    }
    return false;
}
