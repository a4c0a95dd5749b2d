#include "check.h"
#include "core/decode.h"
#include "core/linetable.h"

#include <stdio.h>
#include <string.h>

/* Walk a table into text: "start-end:line", "-" for no line, separated by spaces. */
static const char *walk_all(enum bs_line_format format, const void *table, size_t length,
                            uint32_t first_line) {
    static char text[4096];
    struct bs_linetable walk;
    struct bs_line_range range;
    size_t at = 0;
    text[0] = '\0';
    bs_linetable_init(&walk, format, (struct bs_text){table, length}, first_line);
    while (bs_linetable_next(&walk, &range) && at < sizeof(text) - 64) {
        at += (size_t)sprintf(text + at, "%s%u-%u:", at ? " " : "", range.start_units,
                              range.end_units);
        at += (size_t)(range.line == BS_NO_LINE ? sprintf(text + at, "-")
                                                : sprintf(text + at, "%u", range.line));
    }
    CHECK(!bs_linetable_next(&walk, &range));
    return text;
}

#define DELTAS(first_line, table)                                                                  \
    walk_all(BS_LINES_DELTAS, (table), sizeof(table) - 1, (first_line))
#define LOCATIONS(first_line, table)                                                               \
    walk_all(BS_LINES_LOCATIONS, (table), sizeof(table) - 1, (first_line))

TEST(linetable, deltas_add_up_and_neighbours_merge) {
    CHECK_TEXT(DELTAS(10, "\x04\x00\x02\x00\x06\x03\x02\xff"), "0-3:10 3-6:13 6-7:12");
}

TEST(linetable, deltas_skip_entries_without_code_and_without_line) {
    CHECK_TEXT(DELTAS(10, "\x02\x01\x00\x7f\x00\x7f\x02\x01\x02\x80\x02\x00"),
               "0-1:11 1-2:266 2-3:- 3-4:266");
}

TEST(linetable, deltas_of_odd_bytes_cover_the_units_that_start_in_them) {
    CHECK_TEXT(DELTAS(1, "\x01\x00\x01\x01\x03\x01"), "0-1:1 1-3:3");
}

TEST(linetable, deltas_end_where_they_are_cut) {
    CHECK_TEXT(DELTAS(10, "\x04\x00\x02"), "0-2:10");
    CHECK_TEXT(DELTAS(10, ""), "");
}

/* First bytes: 0x80 | kind << 3 | units - 1. */
TEST(linetable, locations_of_every_kind) {
    static const char table[] = "\x80\x12"             /* short, 1 unit */
                                "\xd1\x01\x02"         /* one line + 0, 2 units */
                                "\xd8\x01\x02"         /* one line + 1 */
                                "\xe0\x01\x02"         /* one line + 2 */
                                "\xe8\x03"             /* no columns, line - 1 */
                                "\xf0\x06\x00\x01\x01" /* long, line + 3 */
                                "\xff";                /* none, 8 units */
    CHECK_TEXT(LOCATIONS(5, table), "0-3:5 3-4:6 4-5:8 5-6:7 6-7:10 7-15:-");
}

TEST(linetable, locations_take_numbers_of_several_bytes) {
    /* 1000 is 2000 shifted: 2000 = 16 + 31 * 64 */
    CHECK_TEXT(LOCATIONS(5, "\xe8\x50\x1f\xe8\x51\x1f"), "0-1:1005 1-2:5");
}

TEST(linetable, locations_end_where_they_are_cut) {
    CHECK_TEXT(LOCATIONS(5, "\x80\x12\xe8"), "0-1:5");
    CHECK_TEXT(LOCATIONS(5, "\x80\x12\xf0\x42"), "0-1:5");
    CHECK_TEXT(LOCATIONS(5, ""), "");
}

TEST(linetable, numbers_without_end_end_the_table) {
    char table[64];
    memset(table, 0x7f, sizeof(table));
    table[0] = (char)0xe8;
    CHECK_TEXT(walk_all(BS_LINES_LOCATIONS, table, sizeof(table), 5), "");
}

TEST(linetable, a_table_must_begin_with_a_first_byte) {
    CHECK_TEXT(LOCATIONS(5, "\x12\x80\x12"), "");
}

TEST(linetable, lines_that_cannot_be_are_none) {
    CHECK_TEXT(LOCATIONS(5, "\xe8\x0d\xe8\x0e"), "0-1:- 1-2:6"); /* 5 - 6, then + 7 */
    CHECK_TEXT(LOCATIONS(0xfffffff0, "\xe8\x3e"), "0-1:-");      /* + 31 */
}
