#include "core/number.h"

#include "check.h"
#include "core/text.h"

#include <math.h>
#include <string.h>

static void check_fixed(double value, int decimals, int width, const char *expected) {
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    bs_buffer_fixed(&buffer, value, decimals, width);
    CHECK_BYTES(buffer.data, buffer.length, expected);
    if (!width)
        CHECK_EQ(bs_fixed_columns(value, decimals), strlen(expected));
}

TEST(number, fixed_rounds_and_pads) {
    check_fixed(0, 1, 0, "0.0");
    check_fixed(2.34, 1, 0, "2.3");
    check_fixed(2.36, 1, 8, "     2.4");
    check_fixed(9.96, 1, 0, "10.0");
    check_fixed(0.04, 2, 0, "0.04");
    check_fixed(0.004, 2, 0, "0.00");
    check_fixed(1234567.5, 0, 0, "1234568");
    check_fixed(144, -1, 0, "140");
    check_fixed(150, -2, 0, "200");
    check_fixed(4, -1, 0, "0");
    check_fixed(-1.25, 1, 0, "-1.3");
    check_fixed(-0.01, 1, 0, "0.0");
    check_fixed(1e18, 2, 0, "huge");
    check_fixed(NAN, 2, 0, "nan");
}

TEST(number, least_that_is_not_zero) {
    check_fixed(bs_fixed_least(0), 0, 0, "1");
    check_fixed(bs_fixed_least(2), 2, 0, "0.01");
    check_fixed(bs_fixed_least(-1), -1, 0, "10");
    check_fixed(bs_fixed_least(-3), -3, 0, "1000");
    check_fixed(0.99 * bs_fixed_least(-3), -3, 0, "0");
}

static void check_duration(double ns, const char *expected) {
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    bs_buffer_duration(&buffer, ns, 0);
    CHECK_BYTES(buffer.data, buffer.length, expected);
}

TEST(number, durations_choose_their_unit) {
    check_duration(0, "0.0 ns");
    check_duration(2.345, "2.3 ns");
    check_duration(-34.56, "-34.6 ns");
    check_duration(9999.94, "9999.9 ns");
    check_duration(9999.96, "10.0 us");
    check_duration(12.345e6, "12.3 ms");
    check_duration(3.21e9, "3210.0 ms");
    check_duration(86400e9, "86400.0 s");
}

TEST(number, durations_stand_below_each_other) {
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    bs_buffer_duration(&buffer, 612, 12);
    bs_buffer_duration(&buffer, 12e9, 12);
    CHECK_BYTES(buffer.data, buffer.length, "    612.0 ns     12.0 s ");
}

TEST(number, counts_have_groups) {
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    bs_buffer_count(&buffer, 1234567, 12);
    bs_buffer_count(&buffer, 0, 0);
    bs_buffer_char(&buffer, ' ');
    bs_buffer_count(&buffer, 999, 0);
    bs_buffer_char(&buffer, ' ');
    bs_buffer_count(&buffer, UINT64_MAX, 0);
    CHECK_BYTES(buffer.data, buffer.length, "   1,234,5670 999 18,446,744,073,709,551,615");
}

static void check_clean(const char *text, size_t length, const char *expected) {
    _cleanup_buffer_ struct bs_buffer buffer = BS_BUFFER_INIT;
    bs_buffer_clean(&buffer, (struct bs_text){text, length});
    CHECK_BYTES(buffer.data, buffer.length, expected);
}

TEST(text, what_is_good_stays) {
    check_clean("x = 'abc'\t# tab", 15, "x = 'abc'\t# tab");
    check_clean("\xc3\xa4 \xe2\x82\xac \xf0\x9f\x90\x8d", 11,
                "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x90\x8d");
}

TEST(text, what_could_drive_a_terminal_is_spelled_out) {
    check_clean("a\x1b[2Jb", 6, "a\\x1b[2Jb");
    check_clean("\0\n\x7f", 3, "\\x00\\x0a\\x7f");
    check_clean("\xc2\x9b", 2, "\\x9b");
}

/* Not what turns the text around it: source is shown as it is run. */
TEST(text, nothing_turns_text_around) {
    check_clean("a\u202eb", 5, "a\\u202eb");
    check_clean("\u202a\u2066\u2069", 9, "\\u202a\\u2066\\u2069");
    check_clean("\u2029\u202f\u2065\u206a", 12, "\u2029\u202f\u2065\u206a");
}

TEST(text, what_is_no_utf8_is_replaced) {
    check_clean("\x80", 1, "\xef\xbf\xbd");
    check_clean("\xc3", 1, "\xef\xbf\xbd");
    check_clean("\xc0\xaf", 2, "\xef\xbf\xbd\xef\xbf\xbd");
    check_clean("\xed\xa0\x80", 3, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    check_clean("\xf4\x90\x80\x80z", 5, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz");
    check_clean("\xff", 1, "\xef\xbf\xbd");
    check_clean("\xe2\x82", 2, "\xef\xbf\xbd\xef\xbf\xbd");
}

static void check_stem(const char *path, const char *expected) {
    struct bs_text stem = bs_path_stem((struct bs_text){path, strlen(path)});
    CHECK_BYTES(stem.data, stem.length, expected);
}

/* As pathlib.PurePosixPath(path).stem has it on 3.13. */
TEST(text, stems_of_paths) {
    check_stem("/x/app.py", "app");
    check_stem("app.py", "app");
    check_stem("app", "app");
    check_stem("/x/.hidden", ".hidden");
    check_stem("/x/a.b.c", "a.b");
    check_stem("/x/dir/", "dir");
    check_stem("<stdin>", "<stdin>");
    check_stem("<frozen importlib._bootstrap>", "<frozen importlib");
    check_stem("x.", "x.");
    check_stem("/", "");
    check_stem("", "");
}
