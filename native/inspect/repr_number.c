/* repr() of numbers: Objects/floatobject.c, complexobject.c, longobject.c. */
#include "inspect/repr.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Decimal digits that tell every double apart. */
#define DOUBLE_DIGITS_MAX 17

/* value = 0.DIGITS * 10^point */
struct decimal {
    char digits[DOUBLE_DIGITS_MAX + 2];
    size_t count;
    int point;
};

/* Whether digits * 10^(point - count) reads back as @p value. No decimal point, no locale. */
static bool reads_back(const struct decimal *decimal, double value) {
    char text[64];
    snprintf(text, sizeof(text), "%se%d", decimal->digits, decimal->point - (int)decimal->count);
    return strtod(text, NULL) == value;
}

/* @p value correctly rounded to @p count digits. */
static void round_to(double value, size_t count, struct decimal *ret) {
    char text[64];
    /* "d.ddde-dd", where the second character is whatever the locale has. */
    snprintf(text, sizeof(text), "%.*e", (int)count - 1, value);
    const char *exponent = strchr(text, 'e');
    ret->count = 0;
    for (const char *c = text; c < exponent; c++) {
        if (*c >= '0' && *c <= '9' && ret->count < count)
            ret->digits[ret->count++] = *c;
    }
    ret->digits[ret->count] = '\0';
    ret->point = (int)strtol(exponent + 1, NULL, 10) + 1;
}

/* The shortest decimal that reads back as @p value > 0, and of those the nearest. */
static void shortest(double value, struct decimal *ret) {
    int exponent;
    bool power_of_two = frexp(value, &exponent) == 0.5;
    for (size_t count = 1; count <= DOUBLE_DIGITS_MAX; count++) {
        round_to(value, count, ret);
        if (count == DOUBLE_DIGITS_MAX || reads_back(ret, value))
            break;
        /* Above a power of two doubles are twice as far apart as below: there the next decimal up
           may read back though the nearest one, which is below, does not. Behind a 9 it is one of
           fewer digits, which was tried. */
        if (!power_of_two || ret->digits[count - 1] == '9')
            continue;
        ret->digits[count - 1]++;
        if (reads_back(ret, value))
            break;
    }
    while (ret->count > 1 && ret->digits[ret->count - 1] == '0')
        ret->digits[--ret->count] = '\0';
}

static void append_scientific(struct bs_buffer *buffer, const struct decimal *decimal) {
    int exponent = decimal->point - 1;
    bs_buffer_char(buffer, decimal->digits[0]);
    if (decimal->count > 1) {
        bs_buffer_char(buffer, '.');
        bs_buffer_append(buffer, decimal->digits + 1, decimal->count - 1);
    }
    bs_buffer_format(buffer, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
}

static void append_plain(struct bs_buffer *buffer, const struct decimal *decimal, bool as_part) {
    int count = (int)decimal->count, point = decimal->point;
    if (point <= 0) {
        bs_buffer_text(buffer, "0.");
        bs_buffer_fill(buffer, '0', -point);
        bs_buffer_append(buffer, decimal->digits, decimal->count);
        return;
    }
    bs_buffer_append(buffer, decimal->digits, (size_t)(point < count ? point : count));
    bs_buffer_fill(buffer, '0', point - count);
    if (point < count) {
        bs_buffer_char(buffer, '.');
        bs_buffer_append(buffer, decimal->digits + point, (size_t)(count - point));
    } else if (!as_part) {
        bs_buffer_text(buffer, ".0");
    }
}

void bs_repr_double(struct bs_buffer *buffer, double value, bool as_part) {
    struct decimal decimal = {.digits = "0", .count = 1, .point = 1};
    if (isnan(value)) {
        bs_buffer_text(buffer, "nan");
        return;
    }
    if (signbit(value))
        bs_buffer_char(buffer, '-');
    if (isinf(value)) {
        bs_buffer_text(buffer, "inf");
        return;
    }
    if (value != 0)
        shortest(fabs(value), &decimal);
    /* float_repr_style "short": Python/pystrtod.c, format code 'r'. */
    if (decimal.point <= -4 || decimal.point > 16)
        append_scientific(buffer, &decimal);
    else
        append_plain(buffer, &decimal, as_part);
}

#define BASE        1000000000u
#define BASE_DIGITS 9

/* value = value * 2^30 + digit, in limbs of BASE, least significant first. */
static size_t multiply_add(uint32_t *limbs, size_t count, uint32_t digit) {
    uint64_t carry = digit;
    for (size_t i = 0; i < count; i++) {
        carry += (uint64_t)limbs[i] << 30;
        limbs[i] = (uint32_t)(carry % BASE);
        carry /= BASE;
    }
    while (carry) {
        limbs[count++] = (uint32_t)(carry % BASE);
        carry /= BASE;
    }
    return count;
}

struct bs_error *bs_repr_digits(struct bs_buffer *buffer, const uint32_t *digits, size_t count,
                                bool negative) {
    if (count > BS_REPR_DIGITS_MAX) {
        bs_buffer_format(buffer, "<int of %zu bits>", count * 30);
        return NULL;
    }
    /* log2(10^9) is 29.9, so limbs are a little more than digits. */
    _cleanup_free_ uint32_t *limbs = calloc(count + count / 64 + 2, sizeof(*limbs));
    size_t limb_count = 0;
    if (!limbs)
        return &bs_enomem;
    for (size_t i = count; i-- > 0;)
        limb_count = multiply_add(limbs, limb_count, digits[i] & 0x3fffffff);
    if (!limb_count) {
        bs_buffer_char(buffer, '0');
        return NULL;
    }
    if (negative)
        bs_buffer_char(buffer, '-');
    bs_buffer_number(buffer, limbs[--limb_count], 0);
    while (limb_count)
        bs_buffer_format(buffer, "%0*" PRIu32, BASE_DIGITS, limbs[--limb_count]);
    return NULL;
}
