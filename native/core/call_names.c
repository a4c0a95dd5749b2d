#include "core/calls.h"

#include "core/cleanup.h"
#include "core/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MODULE_LENGTH_MAX 24u /* there is room for in `made` */

/* Where GCC and Clang put the unlikely parts of a function: "f.cold", "f.cold.3". */
static const char cold_suffix[] = ".cold";

const struct bs_symbol *bs_calls_symbols(const struct bs_calls *calls, uint64_t addr,
                                         size_t *ret_count) {
    const struct bs_trace *trace = calls->trace;
    size_t low = 0, high = trace->symbol_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (trace->symbols[middle].addr < addr)
            low = middle + 1;
        else
            high = middle;
    }
    size_t end = low;
    while (end < trace->symbol_count && trace->symbols[end].addr == addr)
        end++;
    *ret_count = end - low;
    return end > low ? &trace->symbols[low] : NULL;
}

/* What tells apart the functions of records: an address, or the number of a system call. */
struct key {
    uint64_t value;
    bool system;
};

static struct key key_of(const struct bs_call *call) {
    return (struct key){call->function_addr, call->kind == BS_CALL_SYSTEM};
}

static int compare_keys(const void *a, const void *b) {
    const struct key *x = a, *y = b;
    if (x->system != y->system)
        return x->system ? 1 : -1;
    return x->value < y->value ? -1 : x->value > y->value;
}

static void make_name(struct bs_call_function *function, const char *format, ...)
    __attribute__((__format__(__printf__, 2, 3)));
static void make_name(struct bs_call_function *function, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(function->made, sizeof(function->made), format, args);
    va_end(args);
    function->name = bs_text_of(function->made);
}

static void name_system_call(struct bs_call_function *function, uint64_t number) {
    static const char *const names[] = {
#define BS_ROW(row_number, name) [row_number] = name,
#include "core/system_calls.def"
#undef BS_ROW
    };
    function->known = true;
    if (number < sizeof(names) / sizeof(*names) && names[number])
        make_name(function, "syscall %s", names[number]);
    else
        make_name(function, "syscall %" PRIu64, number);
}

/* Of an extension what it is imported by: "etree.cpython-311-x86_64-linux-gnu.so" is "etree". */
static struct bs_text module_name(struct bs_text path) {
    static const char tag[] = ".cpython-";
    struct bs_text name = bs_path_name(path);
    const char *tagged = memmem(name.data, name.length, tag, sizeof(tag) - 1);
    if (tagged)
        name.length = (size_t)(tagged - name.data);
    if (name.length > MODULE_LENGTH_MAX)
        name.length = MODULE_LENGTH_MAX;
    return name;
}

static void name_address(const struct bs_calls *calls, struct bs_call_function *function,
                         uint64_t addr) {
    size_t count;
    const struct bs_trace *trace = calls->trace;
    const struct bs_symbol *symbols = bs_calls_symbols(calls, addr, &count);
    make_name(function, "0x%" PRIx64, addr);
    if (!symbols)
        return;
    const struct bs_symbol *symbol = &symbols[count - 1]; /* not inlined: whose entry it is */
    function->file = bs_path_name(bs_trace_text(trace, symbol->file));
    function->line = symbol->line;
    function->known = symbol->function;
    if (function->known) {
        function->name = bs_trace_text(trace, symbol->function);
    } else if (symbol->module) {
        struct bs_text module = module_name(bs_trace_text(trace, symbol->module));
        make_name(function, "%.*s+0x%" PRIx64, (int)module.length, module.data,
                  symbol->offset_bytes);
    }
}

struct bs_error *bs_calls_name(struct bs_calls *calls) {
    const struct bs_trace *trace = calls->trace;
    _cleanup_free_ struct key *keys = calloc(trace->call_count, sizeof(*keys));
    calls->function_of = calloc(trace->call_count, sizeof(*calls->function_of));
    if (!keys || !calls->function_of)
        return &bs_enomem;
    for (size_t i = 0; i < trace->call_count; i++)
        keys[i] = key_of(&trace->calls[i]);
    qsort(keys, trace->call_count, sizeof(*keys), compare_keys);
    size_t kept = 0;
    for (size_t i = 0; i < trace->call_count; i++) {
        if (!kept || compare_keys(&keys[kept - 1], &keys[i]))
            keys[kept++] = keys[i];
    }
    calls->functions = calloc(kept, sizeof(*calls->functions));
    if (!calls->functions)
        return &bs_enomem;
    calls->function_count = kept;
    for (size_t i = 0; i < kept; i++) {
        if (keys[i].system)
            name_system_call(&calls->functions[i], keys[i].value);
        else
            name_address(calls, &calls->functions[i], keys[i].value);
    }
    for (size_t i = 0; i < trace->call_count; i++) {
        struct key key = key_of(&trace->calls[i]);
        const struct key *found = bsearch(&key, keys, kept, sizeof(*keys), compare_keys);
        calls->function_of[i] = (uint32_t)(found - keys);
    }
    return NULL;
}

/* Without what the compiler adds for unlikely parts. */
static struct bs_text warm_name(struct bs_text name) {
    char *cold = memmem(name.data, name.length, cold_suffix, sizeof(cold_suffix) - 1);
    if (cold)
        name.length = (size_t)(cold - name.data);
    return name;
}

bool bs_calls_is_same_function(const struct bs_calls *calls, size_t item, size_t above) {
    const struct bs_call_function *function = &calls->functions[calls->function_of[item]];
    const struct bs_call_function *caller = &calls->functions[calls->function_of[above]];
    return function->known && caller->known &&
           bs_text_equal(warm_name(function->name), warm_name(caller->name));
}
