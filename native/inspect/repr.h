/*
 * The repr() of a constant, as the interpreter that owns it would give it, from raw memory: None,
 * True, False, Ellipsis, int, float, complex, str, bytes, tuple, frozenset, slice, code. Anything
 * else, which a compiler does not put into a code object, is "<NAME object at 0x...>".
 */
#ifndef BS_INSPECT_REPR_H
#define BS_INSPECT_REPR_H

#include "core/buffer.h"
#include "inspect/interpreter.h"

/* Of a str or bytes longer than this only the beginning is shown, as the agent does it too. */
#define BS_REPR_ITEMS_MAX  (64 * 1024)
#define BS_REPR_BYTES_MAX  (4 << 20) /* longer texts are cut and end in "..." */
#define BS_REPR_DEPTH_MAX  64        /* of tuples in tuples */
#define BS_REPR_DIGITS_MAX 8192      /* 30-bit digits of an int; more are not converted */

/*
 * Append the repr of the object at @p addr. What cannot be read, all of it or a part of a tuple, is
 * "<unreadable at 0x...>".
 */
struct bs_error *bs_repr_append(const struct bs_interpreter *python, uint64_t addr,
                                struct bs_buffer *buffer);

/* The parts, for the tests: what they are given is already out of the target. */

/* repr of @p value; without ".0" where @p as_part (of a complex number). */
void bs_repr_double(struct bs_buffer *buffer, double value, bool as_part);
/* The integer whose 30-bit digits, least significant first, are @p digits. */
struct bs_error *bs_repr_digits(struct bs_buffer *buffer, const uint32_t *digits, size_t count,
                                bool negative);
/* repr of a str of @p count code points of @p width bytes each. */
void bs_repr_points(struct bs_buffer *buffer, uint32_t python, const uint8_t *data, size_t count,
                    unsigned int width);
void bs_repr_bytes(struct bs_buffer *buffer, const uint8_t *data, size_t count);

/* str.isprintable() of one code point, in the Unicode of that Python. */
bool bs_point_is_printable(uint32_t python, uint32_t point);

#endif
