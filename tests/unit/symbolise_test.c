/* Naming the C addresses of an image, by a host that is asked for nothing else. */
#include "command/symbolise.h"

#include "check.h"
#include "core/calls.h"
#include "image_builder.h"

#include <stdlib.h>
#include <string.h>

enum address {
    EVALUATOR = 0x1000,
    CALLED = 0x2000,
    SITE = 0x1010, /* in two functions that were inlined */
    NAMELESS = 0x3000,
    NOT_MAPPED = 0x4000, /* the host has no answer */
    MODULELESS = 0x5000, /* an answer that says nothing */
};

struct oracle {
    struct bs_host host;
    unsigned int asked, ctrl_c_at; /* count of calls; the one at which Ctrl-C comes, 0: none */
    const char *name;              /* of CALLED */
};

static struct bs_error *describe(void *arg, uint64_t addr, bs_symbol_fn fn, void *fn_arg) {
    struct oracle *oracle = arg;
    struct bs_symbol_info info = {.module = "/lib/libm.so", .offset_bytes = addr - 0x1000};
    if (++oracle->asked == oracle->ctrl_c_at)
        return &bs_interrupted;
    switch (addr) {
    case EVALUATOR:
        info.function = "eval";
        info.file = "/src/ceval.c";
        info.line = 7;
        break;
    case CALLED:
        info.function = oracle->name;
        break;
    case SITE:
        info.function = "inner";
        info.line = 1;
        if (!fn(fn_arg, &info))
            return NULL;
        info.function = "outer";
        info.line = 2;
        if (!fn(fn_arg, &info))
            return NULL;
        info.function = "eval";
        info.line = 3;
        break;
    case NOT_MAPPED:
        return bs_error_create(BS_ERROR_HOST, "no such address");
    case MODULELESS:
        info = (struct bs_symbol_info){};
        break;
    default:
        break;
    }
    fn(fn_arg, &info);
    return NULL;
}

static bool is_interrupted(void *arg) {
    return false;
}

static void draw_nothing(void *arg, const char *text) {
}

static void add_call(struct image_builder *builder, uint32_t depth, enum bs_call_kind kind,
                     uint64_t function_addr, uint64_t site_addr) {
    struct bs_call call = {
        .function_addr = function_addr,
        .site_addr = site_addr,
        .depth = depth,
        .kind = kind,
        .code = depth ? 0 : BS_CALL_NO_CODE,
    };
    image_append(builder, BS_SECTION_CALLS, &call, sizeof(call));
}

static struct image_builder *create(void) {
    struct image_builder *builder = image_small(false);
    add_call(builder, 0, BS_CALL_OPCODE, EVALUATOR, 0);
    add_call(builder, 1, BS_CALL_FUNCTION, CALLED, SITE);
    add_call(builder, 1, BS_CALL_FUNCTION, NAMELESS, SITE);
    add_call(builder, 1, BS_CALL_FUNCTION, NOT_MAPPED, SITE);
    add_call(builder, 1, BS_CALL_FUNCTION, MODULELESS, SITE);
    add_call(builder, 1, BS_CALL_SYSTEM, 39, SITE);
    add_call(builder, 0, BS_CALL_OPCODE, EVALUATOR, 0);
    return builder;
}

static struct oracle oracle_of(const char *name) {
    return (struct oracle){
        .host = {.describe = describe, .interrupted = is_interrupted, .progress = draw_nothing},
        .name = name,
    };
}

/* Symbolise the image of @p builder; the image afterwards, which the caller frees. */
static void *symbolise(struct oracle *oracle, struct image_builder *builder, size_t *ret_length,
                       struct bs_error **ret_error) {
    struct bs_progress progress;
    void *image = image_finish(builder, ret_length);
    oracle->host.arg = oracle;
    bs_progress_init(&progress, &oracle->host);
    *ret_error = bs_symbolise(&oracle->host, &progress, &image, ret_length);
    bs_progress_deinit(&progress);
    return image;
}

static struct bs_trace *symbolised(struct oracle *oracle) {
    size_t length;
    struct bs_error *error;
    struct bs_trace *trace = NULL;
    void *image = symbolise(oracle, create(), &length, &error);
    if (CHECK_OK(error))
        CHECK_OK(bs_trace_create(image, length, &trace));
    else
        free(image);
    return trace;
}

static void check_symbol(const struct bs_trace *trace, size_t index, uint64_t addr,
                         const char *function, uint32_t line, bool inlined) {
    const struct bs_symbol *symbol = &trace->symbols[index];
    struct bs_text name = bs_trace_text(trace, symbol->function);
    CHECK_EQ(symbol->addr, addr);
    CHECK_BYTES(name.data, name.length, function);
    CHECK_EQ(symbol->line, line);
    CHECK_EQ(symbol->inlined, inlined);
    CHECK_EQ(symbol->offset_bytes, addr - 0x1000);
}

TEST(symbolise, each_address_is_asked_for_once) {
    struct oracle oracle = oracle_of("called");
    _cleanup_trace_ struct bs_trace *trace = symbolised(&oracle);
    CHECK_EQ(oracle.asked, 6);
    if (!trace || !CHECK_EQ(trace->symbol_count, 6))
        return;
    check_symbol(trace, 0, EVALUATOR, "eval", 7, false);
    check_symbol(trace, 1, SITE, "inner", 1, true);
    check_symbol(trace, 2, SITE, "outer", 2, true);
    check_symbol(trace, 3, SITE, "eval", 3, false);
    check_symbol(trace, 4, CALLED, "called", 0, false);
    check_symbol(trace, 5, NAMELESS, "", 0, false);
    /* Equal texts are one. */
    CHECK_EQ(trace->symbols[0].function, trace->symbols[3].function);
    CHECK_EQ(trace->symbols[0].module, trace->symbols[5].module);
    /* What was there is still there. */
    CHECK(trace->event_count > 0);
    CHECK_EQ(trace->call_count, 7);
}

TEST(symbolise, names_of_any_length_are_cut_off) {
    static char name[5000];
    memset(name, 'x', sizeof(name) - 1);
    struct oracle oracle = oracle_of(name);
    _cleanup_trace_ struct bs_trace *trace = symbolised(&oracle);
    if (trace)
        CHECK_EQ(bs_trace_text(trace, trace->symbols[4].function).length, 1000);
}

TEST(symbolise, ctrl_c_at_any_moment_leaves_the_image_whole) {
    for (unsigned int at = 1; at <= 6; at++) {
        struct oracle oracle = oracle_of("called");
        struct bs_error *error;
        struct bs_trace *trace;
        size_t length;
        oracle.ctrl_c_at = at;
        void *image = symbolise(&oracle, create(), &length, &error);
        CHECK_ERROR(error, BS_ERROR_INTERRUPTED, "interrupted");
        if (CHECK_OK(bs_trace_create(image, length, &trace))) {
            CHECK_EQ(trace->symbol_count, 0);
            bs_trace_destroy(trace);
        }
    }
}

TEST(symbolise, images_without_calls_stay_as_they_are) {
    struct oracle oracle = oracle_of("called");
    struct bs_error *error;
    size_t length;
    void *image = symbolise(&oracle, image_small(true), &length, &error);
    CHECK_OK(error);
    CHECK_EQ(oracle.asked, 0);
    free(image);
}

TEST(symbolise, images_that_make_no_sense_stay_as_they_are) {
    for (int kind = 0; kind < BS_SECTION_COUNT; kind++) {
        struct oracle oracle = oracle_of("called");
        struct bs_progress progress;
        size_t length;
        void *image = image_finish(create(), &length), *before = image;
        struct bs_image_header *header = image;
        header->sections[kind].used_bytes = 1ull << 60;
        oracle.host.arg = &oracle;
        bs_progress_init(&progress, &oracle.host);
        CHECK_OK(bs_symbolise(&oracle.host, &progress, &image, &length));
        CHECK(image == before);
        CHECK_EQ(oracle.asked, 0);
        bs_progress_deinit(&progress);
        free(image);
    }
}
