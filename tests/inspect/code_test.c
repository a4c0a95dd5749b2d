/*
 * Code objects read from memory against the attributes that their own Python gives, on every
 * Python: those of the standard library as compiled, as specialised and as instrumented, and
 * constants of every kind.
 */
#include "check.h"
#include "core/buffer.h"
#include "core/decode.h"
#include "inspect/cache.h"
#include "inspect/code_reader.h"
#include "process.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Whole libraries take a minute; a part of one each time is enough to notice a mistake. */
#define PARTS_DEFAULT "60"

/* What the process says, line by line, and how far it has been compared. */
struct told {
    char **lines;
    size_t count, capacity, next;
};

static bool take_line(struct told *told, const char *line) {
    if (told->count == told->capacity) {
        size_t capacity = told->capacity ? told->capacity * 2 : 4096;
        char **lines = realloc(told->lines, capacity * sizeof(*lines));
        if (!lines)
            return false;
        told->lines = lines;
        told->capacity = capacity;
    }
    told->lines[told->count++] = strdup(line);
    return true;
}

static bool read_all(struct process *process, struct told *told) {
    char *line;
    while ((line = process_read(process)) && strcmp(line, "stop")) {
        if (!take_line(told, line))
            return false;
    }
    return line != NULL;
}

static void forget(struct told *told) {
    for (size_t i = 0; i < told->count; i++)
        free(told->lines[i]);
    free(told->lines);
}

/* The next line must be @p what with @p text in hexadecimal. */
static bool same_text(struct told *told, const char *what, struct bs_text text) {
    static const char digits[] = "0123456789abcdef";
    _cleanup_buffer_ struct bs_buffer line = BS_BUFFER_INIT;
    bs_buffer_format(&line, "%s %s", what, text.length ? "" : "-");
    for (size_t i = 0; i < text.length; i++) {
        bs_buffer_char(&line, digits[(unsigned char)text.data[i] >> 4]);
        bs_buffer_char(&line, digits[text.data[i] & 15]);
    }
    if (!CHECK(told->next < told->count))
        return false;
    return CHECK_BYTES(line.data, line.length, told->lines[told->next++]);
}

static bool same_texts(struct told *told, const char *what, struct bs_texts texts) {
    bool same = true;
    for (size_t i = 0; same && i < texts.count; i++)
        same = same_text(told, what, texts.items[i]);
    return same;
}

static bool same_number(struct told *told, const char *what, int64_t number) {
    char line[64];
    snprintf(line, sizeof(line), "%s %" PRId64, what, number);
    return CHECK(told->next < told->count) && CHECK_TEXT(line, told->lines[told->next++]);
}

static bool same_code(struct told *told, const struct bs_code *code) {
    bool same =
        same_text(told, "qualname", code->qualname) &&
        same_text(told, "filename", code->filename) &&
        same_number(told, "first_line", (int32_t)code->first_line) &&
        same_number(told, "flags", code->flags) && same_text(told, "bytecode", code->bytecode) &&
        (!code->adaptive.length || same_text(told, "adaptive", code->adaptive)) &&
        same_text(told, "linetable", code->linetable) &&
        same_text(told, "exceptiontable", code->exceptiontable) &&
        same_texts(told, "const", code->consts) && same_texts(told, "name", code->names) &&
        same_texts(told, "local", code->locals) && CHECK_EQ(code->kinds.length, code->locals.count);
    return same && CHECK(told->next < told->count) && CHECK_TEXT(told->lines[told->next++], "end");
}

/* What was compared: of nothing specialised or instrumented a comparison proves nothing. */
struct seen {
    size_t codes, specialized, instrumented;
};

static void look(const struct bs_code *code, struct seen *seen) {
    const char *adaptive = code->adaptive.data, *bytecode = code->bytecode.data;
    for (size_t i = 0; i < code->adaptive.length; i += 2) {
        const char *name = bs_opcode_name(code->python, (uint8_t)adaptive[i]);
        seen->specialized += adaptive[i] != bytecode[i] && bytecode[i];
        seen->instrumented += bytecode[i] && !strncmp(name, "INSTRUMENTED", 12);
    }
}

static bool compare(struct process *process, struct told *told, struct seen *seen) {
    struct bs_interpreter python = {};
    struct bs_cache cache = {};
    bool same = CHECK_OK(bs_cache_init(&process->target, &cache)) &&
                CHECK_OK(bs_interpreter_find(&cache.target, &python));
    while (same && told->next < told->count) {
        _cleanup_arena_ struct bs_arena arena = BS_ARENA_INIT;
        struct bs_code code;
        uint64_t addr;
        same = CHECK(sscanf(told->lines[told->next++], "code %" SCNu64, &addr) == 1) &&
               CHECK_OK(bs_code_read(&python, addr, &arena, &code)) && same_code(told, &code);
        if (!same)
            printf("  in %.*s of %.*s\n", (int)code.qualname.length, code.qualname.data,
                   (int)code.filename.length, code.filename.data);
        seen->codes++;
        look(&code, seen);
    }
    bs_interpreter_deinit(&python);
    bs_cache_deinit(&cache);
    return same;
}

/* Run programs/codes.py with @p args and compare all that it says; at least @p codes objects. */
static struct seen codes_of(const struct interpreter *interpreter, const char *const *args,
                            size_t codes) {
    struct process process;
    struct told told = {};
    struct seen seen = {};
    if (process_start(&process, interpreter, "codes.py", args) &&
        CHECK(read_all(&process, &told)) && compare(&process, &told, &seen))
        CHECK(seen.codes >= codes);
    printf("  %zu code objects, %zu specialised and %zu instrumented instructions\n", seen.codes,
           seen.specialized, seen.instrumented);
    forget(&told);
    process_end(&process);
    return seen;
}

static void compiled(const struct interpreter *interpreter) {
    const char *parts = getenv("BYTESIGHT_PARTS"); /* 1: the whole library */
    codes_of(interpreter,
             (const char *const[]){"compiled", "0", parts ? parts : PARTS_DEFAULT, NULL}, 100);
}

TEST(inspect_code, of_the_standard_library_is_read_whole) {
    interpreters_each(compiled);
}

static void specialized(const struct interpreter *interpreter) {
    struct seen seen = codes_of(interpreter, (const char *const[]){"run", NULL}, 500);
    CHECK(interpreter->python < 0x030b0000 || seen.specialized > 1000);
}

TEST(inspect_code, that_was_specialized_is_read_as_it_is_and_as_it_was) {
    interpreters_each(specialized);
}

static void instrumented(const struct interpreter *interpreter) {
    struct seen seen = codes_of(interpreter, (const char *const[]){"traced", NULL}, 500);
    CHECK(interpreter->python < 0x030c0000 || seen.instrumented > 1000);
}

TEST(inspect_code, that_was_instrumented_is_read_as_it_is_and_as_it_was) {
    interpreters_each(instrumented);
}

static void constants(const struct interpreter *interpreter) {
    codes_of(interpreter, (const char *const[]){"constants", NULL}, 1);
}

TEST(inspect_code, constants_have_the_repr_of_their_python) {
    interpreters_each(constants);
}
