#include "core/exception_table.h"

#include "check.h"

#include <stdio.h>
#include <string.h>

/* Walk a table into text: "start-end>target[depth]", "!" for lasti, separated by spaces. */
static const char *walk_all(const void *table, size_t length) {
    static char text[1024];
    struct bs_exception_table walk;
    struct bs_exception_range range;
    size_t at = 0;
    text[0] = '\0';
    bs_exception_table_init(&walk, (struct bs_text){table, length});
    while (bs_exception_table_next(&walk, &range) && at < sizeof(text) - 64)
        at += (size_t)sprintf(text + at, "%s%u-%u>%u[%u]%s", at ? " " : "", range.start_units,
                              range.end_units, range.target_units, range.depth,
                              range.lasti ? "!" : "");
    CHECK(!bs_exception_table_next(&walk, &range));
    return text;
}

#define WALK(table) walk_all((table), sizeof(table) - 1)

TEST(exception_table, entries_in_order) {
    CHECK_TEXT(WALK("\x82\x06\x0a\x00\x8a\x01\x0c\x03"), "2-8>10[0] 10-11>12[1]!");
    CHECK_TEXT(WALK(""), "");
}

/* 1000 is 15 * 64 + 40. */
TEST(exception_table, numbers_of_several_bytes_begin_with_the_high_bits) {
    CHECK_TEXT(WALK("\xcf\x28\x41\x00\x4f\x29\x02"), "1000-1064>1001[1]");
    CHECK_TEXT(WALK("\xff\x7f\x7f\x7f\x3f\x7f\x7f\x7f\x7f\x3f\x00\x00"),
               "1073741823-2147483646>0[0]");
}

TEST(exception_table, ends_where_it_is_cut) {
    static const char table[] = "\x82\x06\x0a\x00\xcf\x28\x41\x00\x4f\x29\x02";
    for (size_t length = 0; length < sizeof(table) - 1; length++)
        CHECK_TEXT(walk_all(table, length), length < 4 ? "" : "2-8>10[0]");
}

TEST(exception_table, an_entry_begins_with_a_first_byte_and_only_there) {
    CHECK_TEXT(WALK("\x02\x06\x0a\x00"), "");
    CHECK_TEXT(WALK("\x82\x06\x8a\x00"), "");
    CHECK_TEXT(WALK("\xcf\xa8\x06\x0a\x00"), "");
    CHECK_TEXT(WALK("\x82\x06\x0a\x00\x02\x06\x0a\x00\x82\x06\x0a\x00"), "2-8>10[0]");
}

TEST(exception_table, numbers_without_end_end_the_table) {
    CHECK_TEXT(WALK("\x82\x06\x0a\x00\xc0\x40\x40\x40\x40\x02\x06\x0a\x00"), "2-8>10[0]");
}

TEST(exception_table, a_range_of_nothing_ends_the_table) {
    CHECK_TEXT(WALK("\x82\x00\x0a\x00\x82\x06\x0a\x00"), "");
}
