/* Rows against the headers that they were made from, and against the interpreters' own tables. */
#include "inspect/layout.h"

#include "check.h"
#include "inspect/interpreter.h"
#include "process.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct place {
    const char *name;
    int32_t offset;
};

/* The fields of a layout, by name. */
static size_t list_fields(const struct bs_layout *layout, struct place *ret) {
    size_t count = 0;
#define BS_ROW(structure, field, width, what)                                                      \
    ret[count++] = (struct place){#structure "_" #field, layout->structure##_##field};
#include "inspect/layouts/fields.def"
#undef BS_ROW
    return count;
}

#define FIELDS_MAX 200

/* What the generator prints for headers is the file that is checked in, word for word. */
static void compare_rows(FILE *output, const struct bs_layout *layout) {
    struct place fields[FIELDS_MAX];
    size_t count = list_fields(layout, fields), i = 0;
    char line[256], expected[256];
    while (fgets(line, sizeof(line), output) && i < count) {
        if (fields[i].offset == BS_FIELD_ABSENT)
            snprintf(expected, sizeof(expected), "BS_ROW(%s, BS_FIELD_ABSENT)\n", fields[i].name);
        else
            snprintf(expected, sizeof(expected), "BS_ROW(%s, %" PRId32 ")\n", fields[i].name,
                     fields[i].offset);
        CHECK_TEXT(line, expected);
        i++;
    }
    CHECK_EQ(i, count);
}

/* Where this interpreter's headers would be: of its own prefix. */
static void headers_of(const struct interpreter *interpreter, char ret[static PATH_MAX]) {
    snprintf(ret, PATH_MAX, "%s", interpreter->path);
    for (int i = 0; i < 2 && strrchr(ret, '/'); i++)
        *strrchr(ret, '/') = '\0';
    size_t length = strlen(ret);
    snprintf(ret + length, PATH_MAX - length, "/include/python3.%" PRIu32,
             interpreter->python >> 16 & 255);
}

static void rows_of(const struct interpreter *interpreter) {
    char include[PATH_MAX], command[5 * PATH_MAX];
    headers_of(interpreter, include);
    snprintf(command, sizeof(command), "%s/internal/pycore_interp.h", include);
    if (access(command, R_OK)) {
        check_skip(interpreter->name, "its headers");
        return;
    }
    snprintf(command, sizeof(command),
             "cc -I'%s' -I'%s/internal' -I'%s/internal/mimalloc' "
             "'%s/tests/inspect/layouts/rows.c' -o '%s/tests/inspect/rows' && "
             "'%s/tests/inspect/rows'",
             include, include, include, SOURCE_DIR, BUILD_DIR, BUILD_DIR);
    FILE *output = popen(command, "re");
    if (!CHECK(output != NULL))
        return;
    compare_rows(output, bs_layout_rows(interpreter->python));
    CHECK_EQ(pclose(output), 0);
}

TEST(inspect_layout, rows_are_those_of_the_headers) {
    interpreters_each(rows_of);
}

/* The interpreters here are stock builds, so their tables must say what their headers say. */
static void table_of(const struct interpreter *interpreter) {
    struct process process;
    struct bs_interpreter python = {};
    struct place rows[FIELDS_MAX], fields[FIELDS_MAX];
    if (process_start(&process, interpreter, "older.py", NULL) &&
        CHECK(process_read(&process) != NULL) &&
        CHECK_OK(bs_interpreter_find(&process.target, &python))) {
        size_t count = list_fields(bs_layout_rows(interpreter->python), rows);
        list_fields(&python.layout, fields);
        for (size_t i = 0; i < count; i++) {
            if (fields[i].offset != rows[i].offset)
                printf("  %s of %s\n", rows[i].name, interpreter->name);
            CHECK_EQ(fields[i].offset, rows[i].offset);
        }
    }
    bs_interpreter_deinit(&python);
    process_end(&process);
}

TEST(inspect_layout, tables_of_interpreters_agree_with_the_rows) {
    interpreters_each(table_of);
}

/* 3.13.3 took over from 3.14 how instrumented lines are kept. */
TEST(inspect_layout, rows_may_begin_at_a_patch_version) {
    CHECK_EQ(bs_layout_rows(0x030d02f0)->lines_stride, BS_FIELD_ABSENT);
    CHECK_EQ(bs_layout_rows(0x030d03f0)->lines_stride, 0);
    CHECK_EQ(bs_layout_rows(0x030dfff0)->lines_stride, 0);
    CHECK_EQ(bs_layout_rows(0x030e00a1)->python, 0x030e0000);
}

TEST(inspect_layout, versions_without_rows_have_none) {
    CHECK(!bs_layout_rows(0x030900f0));
    CHECK(!bs_layout_rows(0x031000f0));
    CHECK(!bs_layout_rows(0));
}
