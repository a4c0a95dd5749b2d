#include "check.h"
#include "inspect/repr.h"

#include <locale.h>
#include <math.h>
#include <string.h>

static bool check_double(double value, const char *expected) {
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    bs_repr_double(&buffer, value, false);
    return CHECK_BYTES(buffer.data, buffer.length, expected);
}

/* Expectations are what CPython 3.12 prints. */
TEST(inspect_repr, doubles_are_the_shortest_that_read_back) {
    check_double(0.0, "0.0");
    check_double(-0.0, "-0.0");
    check_double(0.1, "0.1");
    check_double(1.0 / 3, "0.3333333333333333");
    check_double(100.0, "100.0");
    check_double(1e16, "1e+16");
    check_double(9999999999999998.0, "9999999999999998.0");
    check_double(123456789012345680.0, "1.2345678901234568e+17");
    check_double(0.0001, "0.0001");
    check_double(0.00001, "1e-05");
    check_double(1.5e-7, "1.5e-07");
    check_double(5e-324, "5e-324");
    check_double(1.7976931348623157e308, "1.7976931348623157e+308");
    check_double(2.2250738585072014e-308, "2.2250738585072014e-308");
    check_double(INFINITY, "inf");
    check_double(-INFINITY, "-inf");
    check_double(NAN, "nan");
}

TEST(inspect_repr, powers_of_two_have_the_decimal_above_too) {
    check_double(0x1p-44, "5.684341886080802e-14");
    check_double(0x1p-1074, "5e-324");
    check_double(0x1p-1022, "2.2250738585072014e-308");
    check_double(0x1p-24, "5.960464477539063e-08");
    check_double(0x1p+89, "6.189700196426902e+26");
}

TEST(inspect_repr, doubles_are_the_same_in_every_locale) {
    char *before = strdup(setlocale(LC_NUMERIC, NULL));
    const char *comma = setlocale(LC_NUMERIC, "de_DE.UTF-8");
    check_double(1234.5, "1234.5");
    check_double(1.5e-10, "1.5e-10");
    setlocale(LC_NUMERIC, before);
    free(before);
    if (!comma)
        SKIP("the locale de_DE.UTF-8");
}

static bool check_digits(const uint32_t *digits, size_t count, bool negative,
                         const char *expected) {
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    return CHECK_OK(bs_repr_digits(&buffer, digits, count, negative)) &&
           CHECK_BYTES(buffer.data, buffer.length, expected);
}

TEST(inspect_repr, integers_of_any_size) {
    check_digits(NULL, 0, false, "0");
    check_digits((uint32_t[]){0, 0}, 2, true, "0");
    check_digits((uint32_t[]){7}, 1, true, "-7");
    check_digits((uint32_t[]){0, 1}, 2, false, "1073741824");
    check_digits((uint32_t[]){1000000000}, 1, false, "1000000000");
    check_digits((uint32_t[]){0x3fffffff, 0x3fffffff, 0x3fffffff}, 3, false,
                 "1237940039285380274899124223");
    /* 10^27: every limb but the first is nothing. */
    check_digits((uint32_t[]){0x28000000, 0x3f4200f3, 0x33b2e3c9}, 3, false,
                 "1000000000000000000000000000");
}

TEST(inspect_repr, integers_beyond_the_bound_are_not_converted) {
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    CHECK_OK(bs_repr_digits(&buffer, NULL, BS_REPR_DIGITS_MAX + 1, false));
    CHECK_BYTES(buffer.data, buffer.length, "<int of 245790 bits>");
}

static bool check_str(uint32_t python, const void *data, size_t count, unsigned int width,
                      const char *expected) {
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    bs_repr_points(&buffer, python, data, count, width);
    return CHECK_BYTES(buffer.data, buffer.length, expected);
}

TEST(inspect_repr, strings_are_quoted_as_python_quotes_them) {
    check_str(0x030a0000, "", 0, 1, "''");
    check_str(0x030a0000, "it's", 4, 1, "\"it's\"");
    check_str(0x030a0000, "'s", 2, 1, "\"'s\"");
    check_str(0x030a0000, "it's \"it\"", 9, 1, "'it\\'s \"it\"'");
    check_str(0x030a0000, "a\\b\t\n\r\x01\x7f", 8, 1, "'a\\\\b\\t\\n\\r\\x01\\x7f'");
    check_str(0x030a0000, "\xe4\xa0\xad", 3, 1, "'\xc3\xa4\\xa0\\xad'");
    check_str(0x030a0000, (uint16_t[]){0x20ac, 0xd800, 0x2028}, 3, 2,
              "'\xe2\x82\xac\\ud800\\u2028'");
    check_str(0x030a0000, (uint32_t[]){0x1f600, 0x10ffff, 0x110000, 0xffffffff}, 4, 4,
              "'\xf0\x9f\x98\x80\\U0010ffff\\U00110000\\Uffffffff'");
}

/* U+1FAE8 came with Unicode 15.0, which Python has from 3.12 on. */
TEST(inspect_repr, what_is_printable_depends_on_the_version) {
    const uint32_t shaking_face = 0x1fae8;
    check_str(0x030b0000, &shaking_face, 1, 4, "'\\U0001fae8'");
    check_str(0x030c01f0, &shaking_face, 1, 4, "'\xf0\x9f\xab\xa8'");
    CHECK(bs_point_is_printable(0x030a0000, ' '));
    CHECK(!bs_point_is_printable(0x030a0000, '\n'));
    CHECK(!bs_point_is_printable(0x030f0000, 0x110000));
}

TEST(inspect_repr, bytes_show_ascii_only) {
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    bs_repr_bytes(&buffer, (const uint8_t *)"a'\"\\\n\x80\x7f\0", 8);
    CHECK_BYTES(buffer.data, buffer.length, "b'a\\'\"\\\\\\n\\x80\\x7f\\x00'");
}
