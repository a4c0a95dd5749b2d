/*
 * Listings of events that record_trace.py collects with sys.settrace: the decoder, the trace model
 * and the listing together, without an agent. They are compared with the golden listings, and with
 * what record_trace.py itself makes of the events by means of dis.
 */
#include "check.h"
#include "core/listing.h"
#include "image_builder.h"
#include "interpreters.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define RECORD_TRACE SOURCE_DIR "/tests/oracle/record_trace.py"
#define GOLDEN       SOURCE_DIR "/tests/golden"
#define KINDS        SOURCE_DIR "/tests/oracle/programs/kinds.py"
#define KINDS_CASES  11
#define BYTES_MAX    (16 << 20)

static const struct {
    const char *program;
    const char *cases[6];
} programs[] = {
    {"basics", {"total", "countdown", "fib", "keywords", "square"}},
    {"exceptions", {"caught", "cleanup", "reraised", "nested", "thrower"}},
    {"frames", {"drain", "by_length", "points", "make_counter"}},
};

enum record_kind {
    RECORD_CODE = 7,
    RECORD_FUNCTION,
    RECORD_LISTING,
};

struct recording {
    FILE *input;
    struct image_builder *builder;
    char *listing; /* as Python made it */
    bool cut;
};

static uint32_t read_u32(struct recording *recording) {
    uint32_t value = 0;
    recording->cut |= fread(&value, sizeof(value), 1, recording->input) != 1;
    return value;
}

/* Read a string; the caller frees. It is terminated, and its length is given where wanted. */
static char *read_string(struct recording *recording, size_t *ret_length) {
    size_t length = read_u32(recording);
    recording->cut |= length > BYTES_MAX;
    if (recording->cut)
        length = 0;
    char *text = calloc(1, length + 1);
    recording->cut |= length && fread(text, length, 1, recording->input) != 1;
    if (ret_length)
        *ret_length = length;
    return text;
}

static void read_code(struct recording *recording) {
    size_t length;
    _cleanup_free_ char *description = read_string(recording, &length);
    image_code_bytes(recording->builder, description, length);
}

static void read_event(struct recording *recording, int kind) {
    uint32_t code = kind == BS_EVENT_STOP ? 0 : read_u32(recording), where = 0, text = 0;
    if (kind == BS_EVENT_CALL || kind == BS_EVENT_LINE)
        where = read_u32(recording);
    if (kind == BS_EVENT_OPCODE)
        where = read_u32(recording) / 2;
    if (kind == BS_EVENT_RETURN || kind == BS_EVENT_EXCEPTION) {
        _cleanup_free_ char *first = read_string(recording, NULL);
        if (kind == BS_EVENT_EXCEPTION) {
            _cleanup_free_ char *message = read_string(recording, NULL);
            text = image_raised(recording->builder, first, message);
        } else if (*first) {
            text = image_string(recording->builder, first);
        }
    }
    image_event(recording->builder, (enum bs_event_kind)kind, code, where, text);
}

static void read_record(struct recording *recording, int kind) {
    if (kind == RECORD_CODE) {
        read_code(recording);
    } else if (kind == RECORD_FUNCTION) {
        _cleanup_free_ char *name = read_string(recording, NULL);
        image_header(recording->builder)->function_text = image_string(recording->builder, name);
    } else if (kind == RECORD_LISTING) {
        free(recording->listing);
        recording->listing = read_string(recording, NULL);
    } else {
        read_event(recording, kind);
    }
}

/*
 * What @p interpreter records of case @p number of the program at @p path; NULL after a failed
 * check. The caller frees *ret_listing, what Python made of it.
 */
static struct bs_trace *record(const struct interpreter *interpreter, const char *path,
                               size_t number, char **ret_listing) {
    char digits[24];
    snprintf(digits, sizeof(digits), "%zu", number);
    const char *const args[] = {"-I", "-S", "-B", RECORD_TRACE, path, digits, NULL};
    pid_t pid;
    struct recording recording = {.input = program_open(interpreter->path, args, &pid)};
    if (!CHECK(recording.input))
        return NULL;
    recording.builder = image_builder_create(interpreter->python);
    int kind;
    while (!recording.cut && (kind = getc(recording.input)) != EOF)
        read_record(&recording, kind);
    CHECK(!recording.cut);
    CHECK_EQ(program_close(recording.input, pid), 0);
    *ret_listing = recording.listing;
    return image_trace(recording.builder);
}

/*
 * Addresses become 0xADDR, and paths in what is printed of code objects their last component, as
 * in the golden listings.
 */
static void mask(const struct bs_buffer *listing, struct bs_buffer *ret) {
    static const char lead[] = ", file \"";
    const char *at = listing->data, *end = listing->data + listing->length;
    while (at < end) {
        size_t left = (size_t)(end - at);
        if (left > strlen(lead) && !memcmp(at, lead, strlen(lead))) {
            const char *path = at + strlen(lead), *close = memchr(path, '"', (size_t)(end - path));
            const char *slash = close ? memrchr(path, '/', (size_t)(close - path)) : NULL;
            bs_buffer_text(ret, lead);
            at = slash ? slash + 1 : path;
        } else if (left > 2 && !memcmp(at, "0x", 2)) {
            bs_buffer_text(ret, "0xADDR");
            for (at += 2; at < end && isxdigit((unsigned char)*at);)
                at++;
        } else {
            bs_buffer_char(ret, *at++);
        }
    }
}

static char *read_file(const char *path) {
    FILE *file = fopen(path, "r");
    if (!file)
        return NULL;
    char *text = calloc(1, 1 << 16);
    size_t length = fread(text, 1, (1 << 16) - 1, file);
    fclose(file);
    text[length] = 0;
    return text;
}

/* The listing of a case, after comparing it with what Python made of it; empty: it failed. */
static void render_case(const struct interpreter *interpreter, const char *path, size_t number,
                        struct bs_buffer *ret) {
    _cleanup_free_ char *expected = NULL;
    _cleanup_trace_ struct bs_trace *trace = record(interpreter, path, number, &expected);
    if (!trace || !CHECK(expected) || !CHECK(trace->opcode_count))
        return;
    CHECK_OK(bs_listing_render(trace, &(struct bs_listing_options){0}, ret));
    CHECK_BYTES(ret->data, ret->length, expected);
}

static void compare_case(const struct interpreter *interpreter, size_t program, size_t number) {
    _cleanup_buffer_ struct bs_buffer listing = BS_BUFFER_INIT, masked = BS_BUFFER_INIT;
    char source[512], path[512];
    int minor = interpreter->python >> 16 & 0xff;
    snprintf(source, sizeof(source), GOLDEN "/programs/%s.py", programs[program].program);
    snprintf(path, sizeof(path), GOLDEN "/expected/3.%d/%s-%zu-%s.txt", minor,
             programs[program].program, number, programs[program].cases[number]);
    _cleanup_free_ char *expected = interpreter_is_golden(interpreter) ? read_file(path) : NULL;
    render_case(interpreter, source, number, &listing);
    mask(&listing, &masked);
    if (interpreter_is_golden(interpreter) && CHECK(expected))
        CHECK_BYTES(masked.data, masked.length, expected);
}

/* Where nothing was recorded, what Python made of the same events still is the measure. */
static void compare_golden(const struct interpreter *interpreter) {
    if (!interpreter_is_golden(interpreter))
        check_skip(interpreter->name, "golden listings of this very version");
    for (size_t program = 0; program < sizeof(programs) / sizeof(*programs); program++) {
        for (size_t i = 0; programs[program].cases[i]; i++)
            compare_case(interpreter, program, i);
    }
}

TEST(oracle, listings_are_the_golden_ones) {
    interpreters_each(compare_golden);
}

static void compare_kinds(const struct interpreter *interpreter) {
    for (size_t i = 0; i < KINDS_CASES; i++) {
        _cleanup_buffer_ struct bs_buffer listing = BS_BUFFER_INIT;
        render_case(interpreter, KINDS, i, &listing);
    }
}

TEST(oracle, listings_of_many_kinds_are_as_python_makes_them) {
    interpreters_each(compare_kinds);
}
