#include "core/number.h"

#include <math.h>
#include <string.h>

/* What llround() and the digits below have room for. */
#define FIXED_MAX      9e15
#define TEXT_BYTES_MAX 40

/* What rounds to more takes the next unit. */
#define DURATION_MAX 9999.95

static double power_of_ten(int exponent) {
    double power = 1;
    for (; exponent > 0; exponent--)
        power *= 10;
    for (; exponent < 0; exponent++)
        power /= 10;
    return power;
}

/* Write the digits of @p value backwards from @p end; a point stands before the last @p decimals.
 */
static char *write_digits(char *end, uint64_t value, int decimals) {
    int written = 0;
    while (value || written <= decimals) {
        *--end = (char)('0' + value % 10);
        value /= 10;
        if (++written == decimals)
            *--end = '.';
    }
    return end;
}

/* Write the text of @p value so that it ends where @p text does; its start is returned. */
static char *write_fixed(char text[TEXT_BYTES_MAX], double value, int decimals) {
    char *end = text + TEXT_BYTES_MAX;
    double scaled = fabs(value) * power_of_ten(decimals);
    if (!(scaled < FIXED_MAX)) {
        const char *word = isnan(value) ? "nan" : "huge";
        for (size_t i = strlen(word); i; i--)
            *--end = word[i - 1];
        return end;
    }
    uint64_t rounded = (uint64_t)llround(scaled);
    for (int i = decimals; i < 0; i++)
        rounded *= 10;
    char *start = write_digits(end, rounded, decimals > 0 ? decimals : 0);
    if (value < 0 && rounded)
        *--start = '-';
    return start;
}

void bs_buffer_fixed(struct bs_buffer *buffer, double value, int decimals, int width) {
    char text[TEXT_BYTES_MAX];
    char *start = write_fixed(text, value, decimals);
    long length = text + TEXT_BYTES_MAX - start;
    bs_buffer_fill(buffer, ' ', width - length);
    bs_buffer_append(buffer, start, (size_t)length);
}

int bs_fixed_columns(double value, int decimals) {
    char text[TEXT_BYTES_MAX];
    return (int)(text + TEXT_BYTES_MAX - write_fixed(text, value, decimals));
}

double bs_fixed_least(int decimals) {
    return 0.5 * power_of_ten(-decimals);
}

void bs_buffer_duration(struct bs_buffer *buffer, double value_ns, int width) {
    static const struct {
        const char *name;
        double ns;
    } units[] = {{" ns", 1}, {" us", 1e3}, {" ms", 1e6}, {" s", 1e9}};
    size_t unit = 0;
    while (unit + 1 < sizeof(units) / sizeof(*units) &&
           fabs(value_ns) >= DURATION_MAX * units[unit].ns)
        unit++;
    bs_buffer_fixed(buffer, value_ns / units[unit].ns, 1, width - 3);
    bs_buffer_text(buffer, units[unit].name);
    if (width)
        bs_buffer_fill(buffer, ' ', 3 - (long)strlen(units[unit].name));
}

void bs_buffer_count(struct bs_buffer *buffer, uint64_t value, int width) {
    char text[TEXT_BYTES_MAX];
    char *end = text + sizeof(text), *start = end;
    int written = 0;
    do {
        if (written && written % 3 == 0)
            *--start = ',';
        *--start = (char)('0' + value % 10);
        value /= 10;
        written++;
    } while (value);
    bs_buffer_fill(buffer, ' ', width - (end - start));
    bs_buffer_append(buffer, start, (size_t)(end - start));
}

struct bs_numerals bs_numerals_begin(void) {
    struct bs_numerals numerals = {.before = uselocale((locale_t)0)};
    locale_t copy = duplocale(numerals.before);
    numerals.plain = copy ? newlocale(LC_NUMERIC_MASK, "C", copy) : copy;
    if (numerals.plain)
        uselocale(numerals.plain);
    else if (copy)
        freelocale(copy);
    return numerals;
}

void bs_numerals_end(const struct bs_numerals *numerals) {
    uselocale(numerals->before);
    if (numerals->plain)
        freelocale(numerals->plain);
}
