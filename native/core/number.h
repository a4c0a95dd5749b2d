/*
 * Numbers as text, the same in every locale: the debugger around us may have set one.
 */
#ifndef BS_CORE_NUMBER_H
#define BS_CORE_NUMBER_H

#include "core/buffer.h"
#include "core/cleanup.h"

#include <locale.h>

/*
 * Append @p value with @p decimals digits after the point (at most 9), padded on the left to
 * @p width. Negative decimals round to tens, hundreds and so on.
 */
void bs_buffer_fixed(struct bs_buffer *buffer, double value, int decimals, int width);

/* Columns that bs_buffer_fixed() needs for @p value. */
int bs_fixed_columns(double value, int decimals);

/* The least value that bs_buffer_fixed() does not write as zero. */
double bs_fixed_least(int decimals);

/*
 * Append a duration in the unit that suits it, as "612.0 ns" or "12.3 ms": always one decimal, so
 * that points stand below each other, padded on the left to @p width; 0: not padded.
 */
void bs_buffer_duration(struct bs_buffer *buffer, double value_ns, int width);

/* Append a count with its digits in groups of three, as "1,234,567". */
void bs_buffer_count(struct bs_buffer *buffer, uint64_t value, int width);

/* What stands behind the name of something of which there are @p count. */
static inline const char *bs_plural(uint64_t count) {
    return count == 1 ? "" : "s";
}

/*
 * While one of these lives, numbers of this thread are read and written with a decimal point,
 * whatever locale the debugger has chosen: LLDB takes that of the environment.
 */
struct bs_numerals {
    locale_t before, plain;
};

struct bs_numerals bs_numerals_begin(void);
void bs_numerals_end(const struct bs_numerals *numerals);
#define _cleanup_numerals_ _cleanup_(bs_numerals_end) __attribute__((__unused__))

#endif
