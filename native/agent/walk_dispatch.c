#include "agent/walk_dispatch.h"

#include "agent/probe/infer.h"
#include "agent/python.h"

#include <stdlib.h>

/*
 * The known function: at least as many opcodes as infer.h asks for, of several kinds, nothing that
 * calls Python code or leaves the code object, and little to step. Enough calls before, that every
 * opcode has its final form; Python specialises after 2 (3.11) to 16 (3.13) executions.
 */
static const char known_source[] = "def known():\n"
                                   "    a = b = 0\n"
                                   "    while a < 4:\n"
                                   "        a = a + 1\n"
                                   "        b = b if a is b else a\n"
                                   "    return b\n";
#define KNOWN_CALLS   200
#define RECORDS_MAX   64
#define JUMPS_MAX     64
#define NO_CODE_FOUND "the interpreter's dispatch could not be recognised"

/* Both the search for a candidate and what the stepping notes for it. */
struct search {
    struct walk_dispatch dispatch; /* handlers only, until it is found */
    uint32_t entries;
    uint64_t last_addr; /* of the instruction before, */
    enum insn_kind last_kind;
    struct bs_register_record records[RECORDS_MAX];
    size_t record_count;
    struct bs_register_record jumps[JUMPS_MAX]; /* that led elsewhere, before the first record */
    size_t jump_count;
};

static int by_address(const void *a, const void *b) {
    const struct walk_handler *x = a, *y = b;
    if (x->addr != y->addr)
        return x->addr < y->addr ? -1 : 1;
    return x->entry < y->entry ? -1 : x->entry > y->entry;
}

/*
 * Sort, and keep one of each address: the last. On 3.15 two tables stand side by side, the first
 * of which is for tracing and shares handlers with the second.
 */
static void sort_handlers(struct walk_dispatch *dispatch) {
    size_t kept = 0;
    qsort(dispatch->handlers, dispatch->count, sizeof(*dispatch->handlers), by_address);
    for (size_t i = 0; i < dispatch->count; i++) {
        struct walk_handler handler = dispatch->handlers[i];
        if (kept && dispatch->handlers[kept - 1].addr == handler.addr) {
            handler.shared = true;
            kept--;
        }
        dispatch->handlers[kept++] = handler;
    }
    dispatch->count = kept;
}

/* The handlers of @p count table entries, with numbers from 0. */
static bool set_handlers(struct walk_dispatch *dispatch, void *const *entries, uint32_t count) {
    dispatch->handlers = calloc(count, sizeof(*dispatch->handlers));
    if (!dispatch->handlers)
        return false;
    for (uint32_t i = 0; i < count; i++)
        dispatch->handlers[i] =
            (struct walk_handler){.addr = (uint64_t)(uintptr_t)entries[i], .entry = i};
    dispatch->count = count;
    sort_handlers(dispatch);
    return true;
}

const struct walk_handler *bs_walk_handler_at(const struct walk_dispatch *dispatch,
                                              uint64_t pc_addr) {
    size_t low = 0, high = dispatch->count;
    if (!high || pc_addr < dispatch->handlers[0].addr ||
        pc_addr > dispatch->handlers[high - 1].addr)
        return NULL;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (dispatch->handlers[middle].addr == pc_addr)
            return &dispatch->handlers[middle];
        if (dispatch->handlers[middle].addr < pc_addr)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static void note(const struct step *step, uint64_t entry, struct bs_register_record *ret) {
    for (int i = 0; i < BS_STUB_REGISTERS; i++)
        ret->value[i] = bs_step_register(step, i);
    ret->entry = entry;
}

/* Note all registers wherever a handler may begin; and before the first, wherever a jump leads. */
static bool note_registers(void *arg, const struct step *step) {
    struct search *search = arg;
    const struct walk_handler *handler = bs_walk_handler_at(&search->dispatch, step->pc_addr);
    bool jumped = search->last_kind == INSN_JUMP || search->last_kind == INSN_JUMP_MEMORY;
    if (jumped && !search->record_count)
        note(step, search->last_addr, &search->jumps[search->jump_count++ % JUMPS_MAX]);
    search->last_addr = step->pc_addr;
    search->last_kind = step->kind;
    if (!handler)
        return true;
    note(step, handler->entry, &search->records[search->record_count++]);
    return search->record_count < RECORDS_MAX;
}

/* The opcode of which a note was made. */
static uint64_t place_of(const struct walk_dispatch *dispatch,
                         const struct bs_register_record *record) {
    return record->value[dispatch->register_index] + (uint64_t)(int64_t)dispatch->offset_bytes;
}

static void call_known(void *function) {
    PyObject *result = PyObject_CallObject(function, NULL);
    Py_XDECREF(result);
}

/* The known function, called often enough; NULL with an exception set. */
static PyObject *make_known(void) {
    _object_ names = PyDict_New();
    _object_ builtins = PyImport_ImportModule("builtins");
    _object_ code = Py_CompileString(known_source, "<bytesight>", Py_file_input);
    if (!names || !builtins || !code || PyDict_SetItemString(names, "__builtins__", builtins))
        return NULL;
    _object_ done = PyEval_EvalCode(code, names, names);
    if (!done)
        return NULL;
    PyObject *known = PyDict_GetItemString(names, "known"); /* borrowed */
    for (int i = 0; known && i < KNOWN_CALLS; i++)
        call_known(known);
    return known ? bs_ref(known) : NULL;
}

/* The jump that led to the opcode at @p addr: `entry` of a note of jumps is where it came from. */
static uint64_t jump_to(const struct search *search, uint64_t addr) {
    for (size_t i = 0; i < search->jump_count && i < JUMPS_MAX; i++) {
        if (place_of(&search->dispatch, &search->jumps[i]) == addr)
            return search->jumps[i].entry;
    }
    return 0;
}

/* Infer with the bytecode in @p range; on success the rest of the dispatch is known. */
static bool infer(struct search *search, struct bs_code_range range, bool in_code) {
    struct walk_dispatch *dispatch = &search->dispatch;
    struct bs_inference found;
    if (!bs_infer(search->records, search->record_count, range, search->entries, &found))
        return false;
    dispatch->register_index = found.index;
    dispatch->offset_bytes = found.offset_bytes;
    /*
     * In a code object the first dispatch is that of the first opcode: the function has no cells.
     * In a bytes object, that is of 3.10, the first opcode may have been come to otherwise.
     */
    uint64_t first_addr = in_code ? place_of(dispatch, &search->records[0]) : range.start_addr;
    dispatch->bytecode_at_bytes = (int64_t)(first_addr - range.start_addr);
    dispatch->entry_jump_addr = jump_to(search, first_addr);
    size_t kept = 0;
    for (size_t i = 0; i < dispatch->count; i++) {
        struct walk_handler handler = dispatch->handlers[i];
        if (handler.entry < found.base || handler.entry >= found.base + BS_TABLE_ENTRIES)
            continue;
        handler.entry -= found.base;
        dispatch->handlers[kept++] = handler;
    }
    dispatch->count = kept;
    return true;
}

/* Try the two places where bytecode may be. Clears what exceptions it causes. */
static bool infer_anywhere(struct search *search, PyObject *known) {
    _object_ code = PyObject_GetAttrString(known, "__code__");
    _object_ bytes = code ? PyObject_GetAttrString(code, "co_code") : NULL;
    _object_ size = code ? PyObject_CallMethod(code, "__sizeof__", NULL) : NULL;
    bool found = false;
    if (bytes && size && PyBytes_Check(bytes)) {
        uintptr_t code_addr = (uintptr_t)code, bytes_addr = (uintptr_t)PyBytes_AsString(bytes);
        struct bs_code_range in_code = {code_addr, code_addr + PyLong_AsSize_t(size)};
        struct bs_code_range in_bytes = {bytes_addr, bytes_addr + (uintptr_t)PyBytes_Size(bytes)};
        search->dispatch.bytecode_in_code = infer(search, in_code, true);
        found = search->dispatch.bytecode_in_code || infer(search, in_bytes, false);
    }
    PyErr_Clear();
    return found;
}

static const char *try_candidate(const struct bs_table_candidate *candidate, PyObject *known,
                                 struct search *search) {
    struct bs_table table;
    const char *problem = bs_table_examine(candidate, &table);
    if (problem)
        return NO_CODE_FOUND;
    search->entries = table.count;
    search->record_count = search->jump_count = 0;
    search->last_kind = INSN_OTHER;
    bool made = set_handlers(&search->dispatch, table.handlers, table.count);
    bs_table_deinit(&table);
    if (!made)
        return "there is no memory";
    problem = bs_step_run(call_known, known, note_registers, search);
    if (!problem && !infer_anywhere(search, known))
        problem = NO_CODE_FOUND;
    if (problem)
        bs_walk_dispatch_deinit(&search->dispatch);
    return problem;
}

const char *bs_walk_dispatch_find(const struct bs_table_candidate *candidates, size_t count,
                                  struct walk_dispatch *ret) {
    _object_ known = make_known();
    struct search *search = calloc(1, sizeof(*search));
    const char *problem = NO_CODE_FOUND;
    PyErr_Clear();
    if (!known || !search)
        count = 0;
    for (size_t i = 0; i < count && problem; i++)
        problem = try_candidate(&candidates[i], known, search);
    if (!problem)
        *ret = search->dispatch;
    free(search);
    return problem;
}

void bs_walk_dispatch_deinit(struct walk_dispatch *dispatch) {
    free(dispatch->handlers);
    *dispatch = (struct walk_dispatch){};
}

uint64_t bs_walk_bytecode_addr(const struct walk_dispatch *dispatch,
                               const struct code_entry *entry) {
    if (dispatch->bytecode_in_code)
        return (uint64_t)(uintptr_t)entry->code + (uint64_t)dispatch->bytecode_at_bytes;
    return (uint64_t)(uintptr_t)entry->units;
}
