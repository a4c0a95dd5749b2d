#include "core/calls.h"
#include "core/cleanup.h"

static struct bs_error *damaged(const char *section, size_t index, const char *what) {
    return bs_error_create(BS_ERROR_CORRUPT, "the trace is damaged: %s %zu: %s", section, index + 1,
                           what);
}

/* What is wrong with a symbol, @p group being how many before it have the same address. */
static const char *symbol_problem(const struct bs_trace *trace, const struct bs_symbol *symbol,
                                  const struct bs_symbol *before, size_t group) {
    const uint32_t texts[] = {symbol->function, symbol->file, symbol->module};
    if (before && symbol->addr < before->addr)
        return "out of order";
    if (group ? !before->inlined : before && before->inlined)
        return "inlined into nothing, or not inlined";
    if (group > BS_CALL_INLINED_MAX)
        return "too many are inlined";
    if (symbol->inlined > 1 || symbol->reserved)
        return "unknown flags";
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct bs_text text;
        struct bs_error *err = bs_heap_string(&trace->heap, texts[i], &text);
        if (err) {
            bs_error_destroy(err);
            return "no text at its offset";
        }
    }
    return NULL;
}

static struct bs_error *check_symbols(const struct bs_trace *trace) {
    size_t group = 0;
    for (size_t i = 0; i < trace->symbol_count; i++) {
        const struct bs_symbol *symbol = &trace->symbols[i];
        const struct bs_symbol *before = i ? symbol - 1 : NULL;
        group = before && before->addr == symbol->addr ? group + 1 : 0;
        const char *problem = symbol_problem(trace, symbol, before, group);
        if (!problem && i + 1 == trace->symbol_count && symbol->inlined)
            problem = "inlined into nothing";
        if (problem)
            return damaged("symbol", i, problem);
    }
    return NULL;
}

static const char *root_problem(const struct bs_trace *trace, const struct bs_call *call,
                                bool first) {
    if (call->kind == BS_CALL_OUTSIDE)
        return first ? NULL : "outside of opcodes, and not the first";
    if (call->kind != BS_CALL_OPCODE)
        return "not an opcode, and nothing above it";
    if (call->code == BS_CALL_NO_CODE)
        return NULL;
    if (call->code >= trace->code_count)
        return "no such code";
    if (!bs_instruction_at(&trace->codes[call->code].instructions, call->offset_units))
        return "no instruction at its offset";
    return NULL;
}

static const char *call_problem(const struct bs_trace *trace, const struct bs_call *call,
                                const struct bs_call *before) {
    if (call->kind < BS_CALL_OUTSIDE || call->kind > BS_CALL_SYSTEM)
        return "unknown kind";
    if (call->cut > 1 || (call->cut && call->depth))
        return "unknown flags";
    if (call->depth == 0)
        return root_problem(trace, call, !before);
    if (!before || call->depth > before->depth + 1u)
        return "deeper than what could call it";
    if (before->kind == BS_CALL_SYSTEM && call->depth > before->depth)
        return "called by a system call";
    if (call->kind == BS_CALL_OUTSIDE || call->kind == BS_CALL_OPCODE)
        return "an opcode below something";
    return NULL;
}

static struct bs_error *check_items(const struct bs_trace *trace) {
    for (size_t i = 0; i < trace->call_count; i++) {
        const struct bs_call *call = &trace->calls[i];
        const char *problem = call_problem(trace, call, i ? call - 1 : NULL);
        if (problem)
            return damaged("call", i, problem);
    }
    return NULL;
}

struct bs_error *bs_calls_check(const struct bs_trace *trace) {
    struct bs_error *err = check_symbols(trace);
    return err ? err : check_items(trace);
}
