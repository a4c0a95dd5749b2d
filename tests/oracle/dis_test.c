/*
 * The decoder beside each Python's own dis, on that Python's whole standard library (BS_ORACLE_PART
 * in the environment: every Nth file; 1 for all of it), and on code that has been specialised.
 * What is read here is written by dump_dis.py.
 */
#include "check.h"
#include "core/decode.h"
#include "core/exception_table.h"
#include "core/heap.h"
#include "interpreters.h"

#include <inttypes.h>
#include <string.h>

#define DUMP_DIS       SOURCE_DIR "/tests/oracle/dump_dis.py"
#define PART_DEFAULT   "6"
#define MISMATCHES_MAX 20 /* that are printed */
#define BYTES_MAX      (64 << 20)
#define NO_LINE        INT64_C(-1)
#define LINE_NOT_TOLD  INT64_C(-2)

enum {
    HAS_ARG = 1,
    JUMP_TARGET = 2,
    STARTS_LINE = 4
};

struct comparison {
    FILE *input;
    uint32_t python;
    bool live, cut; /* cut: the input ended in the middle */
    size_t codes, instructions, specialized, handlers, mismatches;
};

/* What dis said of one instruction. */
struct row {
    uint32_t offset_bytes, label;
    int64_t arg, line;
    uint8_t flags;
    struct bs_buffer opname, argrepr, form, caches;
};

static void row_deinit(struct row *row) {
    bs_buffer_deinit(&row->opname);
    bs_buffer_deinit(&row->argrepr);
    bs_buffer_deinit(&row->form);
    bs_buffer_deinit(&row->caches);
}

static void read_bytes(struct comparison *run, void *ret, size_t size) {
    memset(ret, 0, size);
    run->cut |= fread(ret, 1, size, run->input) != size;
}

/* Read `u32 length, byte[length]` over what @p ret held. */
static void read_string(struct comparison *run, struct bs_buffer *ret) {
    uint32_t length;
    read_bytes(run, &length, sizeof(length));
    ret->length = 0;
    run->cut |= length > BYTES_MAX;
    if (run->cut || !length)
        return;
    bs_buffer_fill(ret, 0, length);
    read_bytes(run, ret->data, length);
}

static void read_row(struct comparison *run, struct row *ret) {
    read_bytes(run, &ret->offset_bytes, sizeof(ret->offset_bytes));
    read_bytes(run, &ret->arg, sizeof(ret->arg));
    read_bytes(run, &ret->line, sizeof(ret->line));
    read_bytes(run, &ret->label, sizeof(ret->label));
    read_bytes(run, &ret->flags, sizeof(ret->flags));
    read_string(run, &ret->opname);
    read_string(run, &ret->argrepr);
    if (run->live) {
        read_string(run, &ret->form);
        read_string(run, &ret->caches);
    }
}

static void mismatch(struct comparison *run, const struct bs_code *code, uint32_t offset_bytes,
                     const char *what, struct bs_text expected, struct bs_text actual) {
    if (++run->mismatches > MISMATCHES_MAX)
        return;
    printf("%.*s in %.*s:%u, offset %u: %s\n  expected %.*s\n  actual   %.*s\n",
           (int)code->qualname.length, code->qualname.data, (int)code->filename.length,
           code->filename.data, code->first_line, offset_bytes, what, (int)expected.length,
           expected.data, (int)actual.length, actual.data);
}

static void compare_number(struct comparison *run, const struct bs_code *code,
                           const struct row *row, const char *what, int64_t expected,
                           int64_t actual) {
    char texts[2][24];
    if (expected == actual)
        return;
    snprintf(texts[0], sizeof(texts[0]), "%" PRId64, expected);
    snprintf(texts[1], sizeof(texts[1]), "%" PRId64, actual);
    mismatch(run, code, row->offset_bytes, what, (struct bs_text){texts[0], strlen(texts[0])},
             (struct bs_text){texts[1], strlen(texts[1])});
}

static void compare_text(struct comparison *run, const struct bs_code *code, const struct row *row,
                         const char *what, const struct bs_buffer *expected,
                         struct bs_text actual) {
    if (expected->length == actual.length &&
        (!actual.length || !memcmp(expected->data, actual.data, actual.length)))
        return;
    mismatch(run, code, row->offset_bytes, what, (struct bs_text){expected->data, expected->length},
             actual);
}

static struct bs_text name_text(const struct comparison *run, uint8_t opcode) {
    const char *name = bs_opcode_name(run->python, opcode);
    return (struct bs_text){name, strlen(name)};
}

static void compare_live(struct comparison *run, const struct bs_instructions *instructions,
                         const struct bs_instruction *item, const struct row *row) {
    _cleanup_buffer_ struct bs_buffer caches = BS_BUFFER_INIT;
    const struct bs_code *code = instructions->code;
    run->specialized += item->specialized != item->opcode;
    bs_instruction_caches(instructions, item, &caches);
    compare_text(run, code, row, "form", &row->form, name_text(run, item->specialized));
    compare_text(run, code, row, "caches", &row->caches,
                 (struct bs_text){caches.data, caches.length});
}

static void compare_instruction(struct comparison *run, const struct bs_instructions *instructions,
                                const struct bs_instruction *item, const struct row *row) {
    _cleanup_buffer_ struct bs_buffer argrepr = BS_BUFFER_INIT;
    const struct bs_code *code = instructions->code;
    int64_t line = item->line == BS_NO_LINE ? NO_LINE : item->line;
    bs_instruction_argrepr(instructions, item, &argrepr);
    compare_number(run, code, row, "offset", row->offset_bytes, (int64_t)item->offset_units * 2);
    compare_text(run, code, row, "opname", &row->opname, name_text(run, item->opcode));
    compare_number(run, code, row, "has_arg", !!(row->flags & HAS_ARG), item->has_arg);
    compare_number(run, code, row, "arg", row->arg, item->arg);
    compare_text(run, code, row, "argrepr", &row->argrepr,
                 (struct bs_text){argrepr.data, argrepr.length});
    compare_number(run, code, row, "jump target", !!(row->flags & JUMP_TARGET),
                   item->is_jump_target);
    compare_number(run, code, row, "label", row->label, item->label);
    compare_number(run, code, row, "starts line", !!(row->flags & STARTS_LINE), item->starts_line);
    if (row->line != LINE_NOT_TOLD)
        compare_number(run, code, row, "line", row->line, line);
    if (run->live)
        compare_live(run, instructions, item, row);
}

/* A handler that is not there is compared as one of zeros: no range of ours ends at 0. */
static void compare_handler(struct comparison *run, const struct bs_code *code,
                            const struct bs_exception_range *range) {
    uint32_t start_bytes, end_bytes, target_bytes, depth;
    uint8_t lasti;
    read_bytes(run, &start_bytes, sizeof(start_bytes));
    read_bytes(run, &end_bytes, sizeof(end_bytes));
    read_bytes(run, &target_bytes, sizeof(target_bytes));
    read_bytes(run, &depth, sizeof(depth));
    read_bytes(run, &lasti, sizeof(lasti));
    const struct row at = {.offset_bytes = start_bytes};
    compare_number(run, code, &at, "handler's start", start_bytes, (int64_t)range->start_units * 2);
    compare_number(run, code, &at, "handler's end", end_bytes, (int64_t)range->end_units * 2);
    compare_number(run, code, &at, "handler", target_bytes, (int64_t)range->target_units * 2);
    compare_number(run, code, &at, "handler's depth", depth, range->depth);
    compare_number(run, code, &at, "handler's lasti", lasti, range->lasti);
}

static void compare_handlers(struct comparison *run, const struct bs_code *code) {
    struct bs_exception_table walk;
    uint32_t count, i = 0;
    bs_exception_table_init(&walk, code->exceptiontable);
    read_bytes(run, &count, sizeof(count));
    for (; i < count && !run->cut; i++) {
        struct bs_exception_range range = {};
        bs_exception_table_next(&walk, &range);
        compare_handler(run, code, &range);
    }
    const struct row end = {.offset_bytes = (uint32_t)code->bytecode.length};
    compare_number(run, code, &end, "bytes behind the handlers", 0, (int64_t)walk.left);
    run->handlers += count;
}

static void compare_code(struct comparison *run, const struct bs_code *code) {
    struct bs_instructions instructions;
    struct row row = {};
    uint32_t count;
    read_bytes(run, &count, sizeof(count));
    if (!CHECK_OK(bs_decode(code, &instructions))) {
        run->cut = true;
        return;
    }
    row.offset_bytes = (uint32_t)code->bytecode.length;
    compare_number(run, code, &row, "instructions", count, (int64_t)instructions.count);
    for (uint32_t i = 0; i < count && !run->cut; i++) {
        read_row(run, &row);
        if (i < instructions.count && !run->cut)
            compare_instruction(run, &instructions, &instructions.items[i], &row);
    }
    compare_handlers(run, code);
    run->codes++;
    run->instructions += count;
    row_deinit(&row);
    bs_instructions_deinit(&instructions);
}

static void compare_all(struct comparison *run) {
    _cleanup_buffer_ struct bs_buffer bytes = BS_BUFFER_INIT;
    int next;
    while (!run->cut && (next = getc(run->input)) != EOF) {
        ungetc(next, run->input);
        read_string(run, &bytes);
        struct bs_heap heap = {bytes.data, bytes.length};
        struct bs_code *code = NULL;
        if (run->cut || !CHECK_OK(bs_heap_code(&heap, sizeof(uint32_t), run->python, &code)))
            break;
        compare_code(run, code);
        free(code);
    }
}

/* Compare what dump_dis.py with @p mode and @p part writes under @p interpreter. */
static struct comparison compare_with(const struct interpreter *interpreter, const char *mode,
                                      const char *part) {
    const char *const args[] = {"-I", "-S", "-B", DUMP_DIS, mode, part, NULL};
    struct comparison run = {.python = interpreter->python, .live = !strcmp(mode, "live")};
    pid_t pid;
    run.input = program_open(interpreter->path, args, &pid);
    if (!CHECK(run.input))
        return run;
    compare_all(&run);
    CHECK(!run.cut);
    CHECK_EQ(program_close(run.input, pid), 0);
    printf("    %zu code objects, %zu instructions, %zu handlers, %zu differences\n", run.codes,
           run.instructions, run.handlers, run.mismatches);
    CHECK_EQ((int64_t)run.mismatches, 0);
    CHECK(run.instructions);
    CHECK(run.handlers || interpreter->python < 0x030b0000);
    return run;
}

static void compare_library(const struct interpreter *interpreter) {
    const char *part = getenv("BS_ORACLE_PART");
    compare_with(interpreter, "stdlib", part ? part : PART_DEFAULT);
}

TEST(oracle, agrees_with_dis_on_the_standard_library) {
    interpreters_each(compare_library);
}

static void compare_specialized(const struct interpreter *interpreter) {
    if (interpreter->python < 0x030b0000) {
        printf("    specialises nothing\n");
        return;
    }
    struct comparison run = compare_with(interpreter, "live", NULL);
    printf("    %zu of them specialised\n", run.specialized);
    CHECK(run.specialized > 1000);
}

TEST(oracle, agrees_with_dis_on_specialised_forms_and_caches) {
    interpreters_each(compare_specialized);
}
