#include "core/exception_table.h"

void bs_exception_table_init(struct bs_exception_table *walk, struct bs_text table) {
    *walk = (struct bs_exception_table){
        .at = (const unsigned char *)table.data,
        .left = table.length,
    };
}

enum {
    VALUE_BITS = 6,
    VALUE = (1 << VALUE_BITS) - 1,
    MORE = 1 << 6,        /* the number goes on */
    FIRST = 1 << 7,       /* of an entry */
    NUMBER_BYTES_MAX = 5, /* the compiler writes no more: numbers are below 2^30 */
};

/* The high bits come first. Only the first number of an entry begins with @p mark. */
static bool take_number(struct bs_exception_table *walk, unsigned int mark, uint32_t *ret) {
    uint32_t value = 0;
    for (size_t i = 0; i < NUMBER_BYTES_MAX && walk->left; i++, mark = 0) {
        unsigned char byte = *walk->at++;
        walk->left--;
        if ((byte & FIRST) != mark)
            return false;
        value = value << VALUE_BITS | (byte & VALUE);
        if (!(byte & MORE)) {
            *ret = value;
            return true;
        }
    }
    return false;
}

bool bs_exception_table_next(struct bs_exception_table *walk, struct bs_exception_range *ret) {
    uint32_t start, length, target, depth_lasti;
    if (!take_number(walk, FIRST, &start) || !take_number(walk, 0, &length) || !length ||
        !take_number(walk, 0, &target) || !take_number(walk, 0, &depth_lasti)) {
        walk->left = 0;
        return false;
    }
    *ret = (struct bs_exception_range){
        .start_units = start,
        .end_units = start + length,
        .target_units = target,
        .depth = depth_lasti >> 1,
        .lasti = depth_lasti & 1,
    };
    return true;
}
