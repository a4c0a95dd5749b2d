/* Every golden listing, byte for byte but for addresses and folders. */
#include "session.h"

#include "core/cleanup.h"

#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

/* Addresses become 0xADDR, and `file "/folder/name.py"` becomes `file "name.py"`; in place. */
static void mask(char *text) {
    char *to = text;
    for (char *from = text; *from;) {
        if (!strncmp(from, "0x", 2) && isxdigit((unsigned char)from[2])) {
            from += 2 + strspn(from + 2, "0123456789abcdef");
            to = stpcpy(to, "0xADDR");
        } else if (!strncmp(from, "file \"", 6)) {
            size_t length = strcspn(from + 6, "\"\n");
            char *slash = memrchr(from + 6, '/', length);
            to = mempcpy(to, "file \"", 6);
            const char *name = slash ? slash + 1 : from + 6;
            length = (size_t)(from + 6 + length - name);
            memmove(to, name, length);
            to += length;
            from = (char *)name + length;
        } else {
            *to++ = *from++;
        }
    }
    *to = '\0';
}

/* The expected listing of a case, to be freed; NULL when there is none for this version. */
static char *expected_listing(const struct session *s, const char *program, int number,
                              char *ret_path, size_t size) {
    glob_t found;
    char *text = NULL;
    if (!interpreter_is_golden(s->python))
        return NULL;
    snprintf(ret_path, size, SOURCE_DIR "/tests/golden/expected/%u.%u/%s-%d-*.txt",
             s->python->python >> 24, s->python->python >> 16 & 0xff, program, number);
    if (!glob(ret_path, 0, NULL, &found)) {
        snprintf(ret_path, size, "%s", found.gl_pathv[0]);
        text = file_content(ret_path);
    }
    globfree(&found);
    return text;
}

/* Where nothing was recorded (3.12 and patch versions), what holds for every one is checked. */
static void expect_shape(struct session *s) {
    EXPECT(s, "//// Trace of `");
    EXPECT(s, "LOAD_FAST");
    EXPECT(s, "// =============================================\n\n");
}

static void check_case(struct session *s, const char *program, int number, const char *call) {
    char path[512];
    _cleanup_free_ char *expected = expected_listing(s, program, number, path, sizeof(path));
    if (!SAY(s, "bytesight trace %s", call))
        return;
    mask(s->output);
    if (expected)
        s->failed = !check_lines(s->output, expected, path);
    else
        expect_shape(s);
}

SCENARIO(golden_listings, EVERY_PYTHON) {
    int count = 0;
    char path[128], program[64], call[256];
    stop_in_c(s, "golden.py");
    snprintf(path, sizeof(path), "%s/output", s->folder);
    _cleanup_free_ char *cases = file_content(path);
    for (char *line = cases; !s->failed && line && *line; line = strchr(line, '\n') + 1) {
        int number;
        if (CHECK_EQ(sscanf(line, "%63s %d %255[^\n]", program, &number, call), 3))
            check_case(s, program, number, call);
        count++;
    }
    CHECK(s->failed || count >= 14);
    GO_ON(s);
    AWAIT_PROGRAM(s, "done\n");
}
