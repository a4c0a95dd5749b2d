#include "core/linetable.h"

#include "core/decode.h"

void bs_linetable_init(struct bs_linetable *walk, enum bs_line_format format, struct bs_text table,
                       uint32_t first_line) {
    *walk = (struct bs_linetable){
        .format = format,
        .at = (const unsigned char *)table.data,
        .left = table.length,
        .line = first_line,
    };
}

/* The next byte; false at the end of the table. */
static bool take(struct bs_linetable *walk, unsigned char *ret) {
    if (!walk->left)
        return false;
    *ret = *walk->at++;
    walk->left--;
    return true;
}

static uint32_t shown_line(int64_t line) {
    return line < 0 || line >= BS_NO_LINE ? BS_NO_LINE : (uint32_t)line;
}

/* One entry of 3.10: bytes of code, and change of line, -128 for none (lnotab_notes.txt). */
static bool next_delta(struct bs_linetable *walk, uint64_t *ret_bytes, uint32_t *ret_line) {
    unsigned char bytes, change;
    if (!take(walk, &bytes) || !take(walk, &change))
        return false;
    bool none = (signed char)change == -128;
    if (!none)
        walk->line += (signed char)change;
    *ret_bytes = bytes;
    *ret_line = none ? BS_NO_LINE : shown_line(walk->line);
    return true;
}

/* Six bits a byte, low ones first, 64 for "more"; the sign is the lowest bit (locations.md). */
static bool take_signed(struct bs_linetable *walk, int64_t *ret) {
    uint64_t value = 0;
    unsigned char byte;
    for (unsigned int shift = 0; shift <= 30; shift += 6) {
        if (!take(walk, &byte))
            return false;
        value |= (uint64_t)(byte & 63) << shift;
        if (!(byte & 64)) {
            *ret = value & 1 ? -(int64_t)(value >> 1) : (int64_t)(value >> 1);
            return true;
        }
    }
    return false;
}

/* The kinds of entries in bits 3 to 6 of the first byte: _PyCodeLocationInfoKind in 3.11. */
enum {
    LOCATION_ONE_LINE = 10, /* this and the next two: the line changes by 0, 1, 2 */
    LOCATION_NO_COLUMNS = 13,
    LOCATION_LONG = 14,
    LOCATION_NONE = 15,
};

/* One entry from 3.11 on. Columns are skipped: they are the bytes up to the next first byte. */
static bool next_location(struct bs_linetable *walk, uint64_t *ret_bytes, uint32_t *ret_line) {
    unsigned char first;
    int64_t change = 0;
    if (!take(walk, &first) || !(first & 128))
        return false;
    unsigned int kind = first >> 3 & 15;
    if (kind == LOCATION_NO_COLUMNS || kind == LOCATION_LONG) {
        if (!take_signed(walk, &change))
            return false;
    } else if (kind >= LOCATION_ONE_LINE && kind != LOCATION_NONE) {
        change = kind - LOCATION_ONE_LINE;
    }
    while (walk->left && !(*walk->at & 128)) {
        walk->at++;
        walk->left--;
    }
    walk->line += change;
    *ret_bytes = ((first & 7) + 1) * 2;
    *ret_line = kind == LOCATION_NONE ? BS_NO_LINE : shown_line(walk->line);
    return true;
}

/* The next entry that covers the start of a code unit. There is none after one that failed. */
static bool next_entry(struct bs_linetable *walk, struct bs_line_range *ret) {
    uint64_t bytes;
    uint32_t line;
    do {
        bool more = walk->format == BS_LINES_DELTAS ? next_delta(walk, &bytes, &line)
                                                    : next_location(walk, &bytes, &line);
        if (!more || walk->offset_bytes + bytes >= UINT32_MAX) {
            walk->left = 0;
            return false;
        }
        ret->start_units = (uint32_t)(walk->offset_bytes + 1) / 2;
        walk->offset_bytes += bytes;
        ret->end_units = (uint32_t)(walk->offset_bytes + 1) / 2;
    } while (ret->start_units == ret->end_units);
    ret->line = line;
    return true;
}

bool bs_linetable_next(struct bs_linetable *walk, struct bs_line_range *ret) {
    struct bs_line_range range;
    if (!walk->has_ahead && !next_entry(walk, &walk->ahead))
        return false;
    range = walk->ahead;
    while ((walk->has_ahead = next_entry(walk, &walk->ahead)) && walk->ahead.line == range.line)
        range.end_units = walk->ahead.end_units;
    *ret = range;
    return true;
}
