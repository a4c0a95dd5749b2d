#include "process_symbols.h"

#include "machine.h"

#include <elfutils/libdwfl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES_MAX 10000

struct symbol {
    const char *name; /* libdw's, perhaps with a version: "dlopen@@GLIBC_2.34" */
    uint64_t addr;
    size_t order; /* modules are searched in the order in which they are loaded */
};

struct process_symbols {
    Dwfl *dwfl;
    struct symbol *symbols; /* sorted by name, then order; made at the first lookup */
    size_t count, capacity;
};

static const Dwfl_Callbacks callbacks = {
    .find_elf = dwfl_linux_proc_find_elf,
    .find_debuginfo = dwfl_standard_find_debuginfo,
};

struct process_symbols *process_symbols_create(int pid) {
    struct process_symbols *symbols = calloc(1, sizeof(*symbols));
    if (!symbols)
        return NULL;
    symbols->dwfl = dwfl_begin(&callbacks);
    if (symbols->dwfl && !dwfl_linux_proc_report(symbols->dwfl, pid) &&
        !dwfl_report_end(symbols->dwfl, NULL, NULL) &&
        !dwfl_linux_proc_attach(symbols->dwfl, pid, true))
        return symbols;
    process_symbols_destroy(symbols);
    return NULL;
}

void process_symbols_destroy(struct process_symbols *symbols) {
    if (!symbols)
        return;
    if (symbols->dwfl)
        dwfl_end(symbols->dwfl);
    free(symbols->symbols);
    free(symbols);
}

static int add_symbols(Dwfl_Module *module, void **userdata, const char *name, Dwarf_Addr start,
                       void *arg) {
    struct process_symbols *symbols = arg;
    int count = dwfl_module_getsymtab(module);
    for (int i = 1; i < count; i++) {
        GElf_Sym sym;
        GElf_Addr addr;
        GElf_Word section;
        const char *text = dwfl_module_getsym_info(module, i, &sym, &addr, &section, NULL, NULL);
        int type = GELF_ST_TYPE(sym.st_info);
        if (!text || !*text || sym.st_shndx == SHN_UNDEF ||
            (type != STT_FUNC && type != STT_OBJECT && type != STT_NOTYPE))
            continue;
        if (symbols->count == symbols->capacity) {
            symbols->capacity = symbols->capacity ? 2 * symbols->capacity : 65536;
            symbols->symbols =
                reallocarray(symbols->symbols, symbols->capacity, sizeof(*symbols->symbols));
            if (!symbols->symbols)
                abort();
        }
        symbols->symbols[symbols->count] =
            (struct symbol){.name = text, .addr = addr, .order = symbols->count};
        symbols->count++;
    }
    return DWARF_CB_OK;
}

/* As strcmp, up to a version. */
static int compare_names(const char *a, const char *b) {
    while (*a && *a != '@' && *a == *b) {
        a++;
        b++;
    }
    return (*a == '@' ? 0 : (unsigned char)*a) - (*b == '@' ? 0 : (unsigned char)*b);
}

static int compare(const void *a, const void *b) {
    const struct symbol *left = a, *right = b;
    int order = compare_names(left->name, right->name);
    return order ? order : (left->order > right->order) - (left->order < right->order);
}

uint64_t process_symbols_lookup(struct process_symbols *symbols, const char *name) {
    if (!symbols->symbols) {
        dwfl_getmodules(symbols->dwfl, add_symbols, symbols, 0);
        qsort(symbols->symbols, symbols->count, sizeof(*symbols->symbols), compare);
    }
    size_t low = 0, high = symbols->count;
    while (low < high) { /* the first that is not less */
        size_t middle = low + (high - low) / 2;
        if (compare_names(symbols->symbols[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < symbols->count && !compare_names(symbols->symbols[low].name, name);
    return found ? symbols->symbols[low].addr : 0;
}

struct give {
    bs_module_fn fn;
    void *arg;
};

static int give_module(Dwfl_Module *module, void **userdata, const char *name, Dwarf_Addr start,
                       void *arg) {
    const struct give *give = arg;
    Dwarf_Addr end;
    dwfl_module_info(module, NULL, NULL, &end, NULL, NULL, NULL, NULL);
    struct bs_module given = {.path = name, .start_addr = start, .end_addr = end};
    const unsigned char *id;
    GElf_Addr id_addr;
    char text[129] = "";
    const int id_bytes = dwfl_module_build_id(module, &id, &id_addr);
    for (int i = 0; i < id_bytes && i < 64; i++)
        snprintf(text + 2 * i, 3, "%02x", id[i]);
    given.build_id = *text ? text : NULL;
    if (*name == '[') /* [vdso: 123] */
        return DWARF_CB_OK;
    return give->fn(give->arg, &given) ? DWARF_CB_OK : DWARF_CB_ABORT;
}

void process_symbols_modules(struct process_symbols *symbols, bs_module_fn fn, void *fn_arg) {
    struct give give = {.fn = fn, .arg = fn_arg};
    dwfl_getmodules(symbols->dwfl, give_module, &give, 0);
}

void process_symbols_describe(struct process_symbols *symbols, uint64_t addr, bs_symbol_fn fn,
                              void *fn_arg) {
    struct bs_symbol_info info = {};
    Dwfl_Module *module = dwfl_addrmodule(symbols->dwfl, addr);
    if (module) {
        Dwarf_Addr start;
        GElf_Off offset;
        GElf_Sym sym;
        int line = 0;
        info.module = dwfl_module_info(module, NULL, &start, NULL, NULL, NULL, NULL, NULL);
        info.offset_bytes = addr - start;
        info.function = dwfl_module_addrinfo(module, addr, &offset, &sym, NULL, NULL, NULL);
        Dwfl_Line *source = dwfl_module_getsrc(module, addr);
        if (source)
            info.file = dwfl_lineinfo(source, NULL, &line, NULL, NULL, NULL);
        info.line = (uint32_t)line;
    }
    fn(fn_arg, &info);
}

struct walk {
    struct bs_native_frame *frames;
    size_t count;
};

static int note_frame(Dwfl_Frame *state, void *arg) {
    struct walk *walk = arg;
    Dwarf_Addr pc;
    Dwarf_Word sp = 0;
    if (walk->count == FRAMES_MAX || !dwfl_frame_pc(state, &pc, NULL))
        return DWARF_CB_ABORT;
    dwfl_frame_reg(state, machine.dwarf_sp, &sp);
    /* What this frame's stack pointer is, is where the frame inside it began. */
    if (walk->count)
        walk->frames[walk->count - 1].cfa_addr = sp;
    walk->frames[walk->count++] = (struct bs_native_frame){.pc_addr = pc, .cfa_addr = sp};
    return DWARF_CB_OK;
}

bool process_symbols_walk(struct process_symbols *symbols, int tid, bs_native_frame_fn fn,
                          void *fn_arg) {
    struct walk walk = {.frames = calloc(FRAMES_MAX, sizeof(*walk.frames))};
    if (!walk.frames)
        abort();
    dwfl_getthread_frames(symbols->dwfl, tid, note_frame, &walk);
    for (size_t i = 0; i < walk.count; i++) {
        if (!fn(fn_arg, &walk.frames[i]))
            break;
    }
    free(walk.frames);
    return walk.count > 0;
}
