#include "core/call_rows.h"

#include "core/brief.h"
#include "core/cleanup.h"
#include "core/number.h"
#include "core/text.h"

#include <string.h>

#define ROWS_FIRST     16u
#define INDENT_COLUMNS 2
/* Deeper rows are shown no further to the right. */
#define INDENT_DEPTH_MAX 60

/* Functions on the way down that a cell names. */
#define CELL_CALLERS 3

#define NO_ROW UINT32_MAX

/* How a row hangs together with others. */
struct link {
    uint32_t above;      /* row that called it, or NO_ROW */
    uint32_t latest;     /* row below it that was added last, or NO_ROW */
    uint32_t outer_line; /* INLINED: where in the function around it */
};

/* At one depth of records: the latest record, and the row that it is. */
struct level {
    size_t item;
    uint32_t row;
};

struct builder {
    const struct bs_calls *calls;
    struct bs_call_rows *rows;
    struct link *links;
    size_t capacity;
    struct level *levels;
    size_t level_count;
    bool no_memory; /* sticks */
};

static bool grow(struct builder *builder) {
    size_t capacity = builder->capacity ? 2 * builder->capacity : ROWS_FIRST;
    struct bs_call_row *items = realloc(builder->rows->items, capacity * sizeof(*items));
    if (!items)
        return false;
    builder->rows->items = items;
    struct link *links = realloc(builder->links, capacity * sizeof(*links));
    if (!links)
        return false;
    builder->links = links;
    builder->capacity = capacity;
    return true;
}

/* Append a row below @p above; its number, or NO_ROW when there is no memory. */
static uint32_t add_row(struct builder *builder, uint32_t above, const struct bs_call_row *row,
                        uint32_t outer_line) {
    struct bs_call_rows *rows = builder->rows;
    if (rows->count == builder->capacity && !grow(builder)) {
        builder->no_memory = true;
        return NO_ROW;
    }
    uint32_t number = (uint32_t)rows->count++;
    rows->items[number] = *row;
    rows->items[number].depth = above == NO_ROW ? 0 : rows->items[above].depth + 1;
    builder->links[number] = (struct link){above, NO_ROW, outer_line};
    if (above != NO_ROW)
        builder->links[above].latest = number;
    return number;
}

/* The row of a function that was inlined at @p outer_line of the one that row @p above is. */
static uint32_t inlined_row(struct builder *builder, uint32_t above, const struct bs_symbol *symbol,
                            uint32_t outer_line) {
    const struct bs_trace *trace = builder->calls->trace;
    uint32_t latest = builder->links[above].latest;
    struct bs_call_row row = {
        .kind = BS_CALL_ROW_INLINED,
        .name = bs_trace_text(trace, symbol->function),
        .file = bs_path_name(bs_trace_text(trace, symbol->file)),
        .line = symbol->line,
    };
    if (latest != NO_ROW && builder->links[latest].outer_line == outer_line &&
        builder->rows->items[latest].kind == BS_CALL_ROW_INLINED &&
        bs_text_equal(builder->rows->items[latest].name, row.name))
        return latest;
    return add_row(builder, above, &row, outer_line);
}

/* The rows of what is inlined at the call at @p site_addr, in the function that @p above is. */
static uint32_t inlined_rows(struct builder *builder, uint32_t above, uint64_t site_addr) {
    size_t count;
    const struct bs_symbol *symbols = bs_calls_symbols(builder->calls, site_addr, &count);
    while (count > 1 && !builder->no_memory) {
        count--;
        if (symbols[count - 1].function)
            above = inlined_row(builder, above, &symbols[count - 1], symbols[count].line);
    }
    return above;
}

static enum bs_call_row_kind row_kind(const struct bs_call *call) {
    static const enum bs_call_row_kind kinds[] = {
        [BS_CALL_OUTSIDE] = BS_CALL_ROW_OUTSIDE,     [BS_CALL_OPCODE] = BS_CALL_ROW_OPCODE,
        [BS_CALL_FUNCTION] = BS_CALL_ROW_FUNCTION,   [BS_CALL_JUMP] = BS_CALL_ROW_FUNCTION,
        [BS_CALL_EVALUATOR] = BS_CALL_ROW_EVALUATOR, [BS_CALL_SYSTEM] = BS_CALL_ROW_SYSTEM,
    };
    return kinds[call->kind];
}

/* A handler that is a function of its own, in a stripped interpreter. */
static const struct bs_text evaluator_text = {"the evaluator", sizeof("the evaluator") - 1};

static uint32_t function_row(struct builder *builder, uint32_t above, size_t item) {
    const struct bs_call *call = &builder->calls->trace->calls[item];
    const struct bs_call_function *function =
        &builder->calls->functions[builder->calls->function_of[item]];
    struct bs_call_row row = {
        .kind = row_kind(call),
        .opcode = call->opcode,
        .cut = call->cut,
        .instructions = call->instructions,
    };
    if (row.kind != BS_CALL_ROW_OUTSIDE) {
        row.name = function->name;
        row.file = function->file;
        row.line = function->line;
    }
    if (row.kind == BS_CALL_ROW_OPCODE && !function->known)
        row.name = evaluator_text;
    if (row.kind != BS_CALL_ROW_SYSTEM)
        row.function_addr = call->function_addr;
    return add_row(builder, above, &row, 0);
}

static void add_item(struct builder *builder, size_t item) {
    const struct bs_call *call = &builder->calls->trace->calls[item];
    struct level *level = &builder->levels[call->depth];
    if (call->depth == 0) {
        *level = (struct level){item, function_row(builder, NO_ROW, item)};
        return;
    }
    const struct level *caller = level - 1;
    if (call->kind == BS_CALL_JUMP &&
        bs_calls_is_same_function(builder->calls, item, caller->item)) {
        builder->rows->items[caller->row].instructions += call->instructions;
        *level = *caller;
        return;
    }
    uint32_t above = inlined_rows(builder, caller->row, call->site_addr);
    if (!builder->no_memory)
        *level = (struct level){item, function_row(builder, above, item)};
}

static bool make_levels(struct builder *builder, size_t first, size_t end) {
    size_t deepest = 0;
    for (size_t i = first; i < end; i++) {
        if (builder->calls->trace->calls[i].depth > deepest)
            deepest = builder->calls->trace->calls[i].depth;
    }
    if (deepest < builder->level_count)
        return true;
    free(builder->levels);
    builder->levels = calloc(deepest + 1, sizeof(*builder->levels));
    builder->level_count = builder->levels ? deepest + 1 : 0;
    return builder->levels;
}

static void add_tree(struct builder *builder, size_t tree) {
    size_t first = builder->calls->tree_start[tree], end = builder->calls->tree_start[tree + 1];
    builder->no_memory |= !make_levels(builder, first, end);
    for (size_t i = first; i < end && !builder->no_memory; i++)
        add_item(builder, i);
}

static void sum_up(const struct builder *builder) {
    struct bs_call_row *rows = builder->rows->items;
    for (size_t i = builder->rows->count; i-- > 0;) {
        rows[i].total += rows[i].instructions;
        if (builder->links[i].above != NO_ROW)
            rows[builder->links[i].above].total += rows[i].total;
    }
}

/* Strays among the trees are left out, unless there is only that one. */
static struct bs_error *build(const struct bs_calls *calls, size_t first_tree, size_t end_tree,
                              struct bs_call_rows *ret) {
    struct bs_call_rows rows = {};
    struct builder builder = {.calls = calls, .rows = &rows};
    bool alone = end_tree - first_tree == 1;
    for (size_t tree = first_tree; tree < end_tree; tree++) {
        if (alone || !calls->stray[tree])
            add_tree(&builder, tree);
    }
    if (builder.no_memory)
        bs_call_rows_deinit(&rows);
    else
        sum_up(&builder);
    free(builder.links);
    free(builder.levels);
    if (builder.no_memory)
        return &bs_enomem;
    *ret = rows;
    return NULL;
}

struct bs_error *bs_call_rows_tree(const struct bs_calls *calls, size_t tree,
                                   struct bs_call_rows *ret) {
    return build(calls, tree, tree + 1, ret);
}

struct bs_error *bs_call_rows_event(const struct bs_trace *trace, size_t index,
                                    struct bs_call_rows *ret) {
    const struct bs_calls *calls = trace->walk;
    *ret = (struct bs_call_rows){};
    if (!calls)
        return NULL;
    return build(calls, calls->first_tree[index], calls->first_tree[index + 1], ret);
}

struct bs_error *bs_call_rows_alone(const struct bs_trace *trace, struct bs_call_rows *ret) {
    *ret = (struct bs_call_rows){};
    if (trace->opcode_count || !trace->walk || !trace->walk->tree_count)
        return NULL;
    return bs_call_rows_tree(trace->walk, 0, ret);
}

void bs_call_rows_deinit(struct bs_call_rows *rows) {
    free(rows->items);
    *rows = (struct bs_call_rows){};
}

uint64_t bs_call_rows_total(const struct bs_call_rows *rows) {
    uint64_t total = 0;
    for (size_t i = 0; i < rows->count; i++)
        total += rows->items[i].instructions;
    return total;
}

const struct bs_call_row *bs_call_rows_heaviest(const struct bs_call_rows *rows) {
    const struct bs_call_row *heaviest = NULL;
    for (size_t i = 0; i < rows->count; i++) {
        const struct bs_call_row *row = &rows->items[i];
        if (row->kind == BS_CALL_ROW_FUNCTION &&
            (!heaviest || row->instructions > heaviest->instructions))
            heaviest = row;
    }
    return heaviest;
}

static void put_place(const struct bs_call_row *row, struct bs_buffer *buffer) {
    if (!row->file.length)
        return;
    bs_buffer_char(buffer, ' ');
    bs_buffer_style(buffer, BS_STYLE_FILE);
    bs_buffer_clean(buffer, row->file);
    if (row->line)
        bs_buffer_format(buffer, ":%u", row->line);
    bs_buffer_style(buffer, BS_STYLE_PLAIN);
}

/* Whether a row is one that functions are called through: an opcode, or inlined. */
static bool is_passed(const struct bs_call_row *row) {
    return !row->depth || row->kind == BS_CALL_ROW_INLINED;
}

static size_t subtree_end(const struct bs_call_rows *rows, size_t index) {
    size_t end = index + 1;
    while (end < rows->count && rows->items[end].depth > rows->items[index].depth)
        end++;
    return end;
}

/* The next function that is called at or after row @p index, from what @p end ends; else @p end. */
static size_t next_call(const struct bs_call_rows *rows, size_t index, size_t end) {
    while (index < end &&
           (is_passed(&rows->items[index]) || rows->items[index].kind == BS_CALL_ROW_SYSTEM))
        index++;
    return index;
}

/*
 * Of the functions called in rows @p first to before @p end, the one that matters: the first that
 * has at least a quarter of all their instructions, for what comes later cleans up; else the one
 * that has most. SIZE_MAX: none is called.
 */
static size_t main_call(const struct bs_call_rows *rows, size_t first, size_t end) {
    size_t main = SIZE_MAX;
    uint64_t sum = 0;
    for (size_t i = next_call(rows, first, end); i < end;
         i = next_call(rows, subtree_end(rows, i), end)) {
        sum += rows->items[i].total;
        if (main == SIZE_MAX || rows->items[i].total > rows->items[main].total)
            main = i;
    }
    for (size_t i = next_call(rows, first, end); i < end;
         i = next_call(rows, subtree_end(rows, i), end)) {
        if (rows->items[i].total >= sum / 4)
            return i;
    }
    return main;
}

/* The way down by what matters: how many functions there are, at most CELL_CALLERS. */
static size_t way_down(const struct bs_call_rows *rows,
                       const struct bs_call_row *ret[CELL_CALLERS]) {
    size_t count = 0, first = 0, end = rows->count;
    while (count < CELL_CALLERS) {
        size_t next = main_call(rows, first, end);
        if (next == SIZE_MAX)
            break;
        ret[count++] = &rows->items[next];
        first = next + 1;
        end = subtree_end(rows, next);
    }
    return count;
}

static bool is_among(const struct bs_call_row *row, const struct bs_call_row *const *rows,
                     size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (bs_text_equal(rows[i]->name, row->name))
            return true;
    }
    return false;
}

/* Without what would take several lines of the listing, as it does where C++ is. */
static void put_brief(struct bs_text name, struct bs_buffer *buffer) {
    _cleanup_buffer_ struct bs_buffer brief = BS_BUFFER_INIT;
    bs_brief_append(&brief, name);
    bs_buffer_styled(buffer, BS_STYLE_FUNCTION, brief.error ? name : bs_buffer_as_text(&brief));
}

void bs_call_rows_cell(const struct bs_call_rows *rows, struct bs_buffer *buffer) {
    const struct bs_call_row *heaviest = bs_call_rows_heaviest(rows);
    const struct bs_call_row *way[CELL_CALLERS];
    if (!rows->count)
        return;
    bs_buffer_count(buffer, bs_call_rows_total(rows), BS_CALL_CELL_COLUMNS);
    size_t count = way_down(rows, way);
    for (size_t i = 0; i < count; i++) {
        bs_buffer_text(buffer, i ? " > " : "  ");
        put_brief(way[i]->name, buffer);
    }
    if (heaviest && !is_among(heaviest, way, count)) {
        bs_buffer_text(buffer, " .. ");
        put_brief(heaviest->name, buffer);
        put_place(heaviest, buffer);
    } else if (count) {
        put_place(way[count - 1], buffer);
    }
}

static void put_root(const struct bs_trace *trace, const struct bs_call_row *row,
                     struct bs_buffer *buffer) {
    if (row->kind == BS_CALL_ROW_OUTSIDE) {
        bs_buffer_text(buffer, "outside of opcodes");
        return;
    }
    bs_buffer_styled(buffer, BS_STYLE_OPCODE,
                     bs_text_of(bs_opcode_name(trace->header->python, row->opcode)));
    bs_buffer_text(buffer, " in ");
    bs_buffer_styled(buffer, BS_STYLE_FUNCTION, row->name);
}

static void put_row(const struct bs_trace *trace, const struct bs_call_row *row,
                    struct bs_buffer *buffer) {
    if (!row->depth)
        put_root(trace, row, buffer);
    else
        bs_buffer_styled(buffer, BS_STYLE_FUNCTION, row->name);
    put_place(row, buffer);
    bs_buffer_style(buffer, BS_STYLE_DIM);
    if (row->kind == BS_CALL_ROW_INLINED)
        bs_buffer_text(buffer, " (inlined)");
    if (row->kind == BS_CALL_ROW_EVALUATOR)
        bs_buffer_text(buffer, " (runs the opcodes that follow)");
    if (row->cut)
        bs_buffer_text(buffer, " (cut: the walk ended here)");
    bs_buffer_style(buffer, BS_STYLE_PLAIN);
}

void bs_call_rows_render(const struct bs_trace *trace, const struct bs_call_rows *rows, long indent,
                         struct bs_buffer *buffer) {
    for (size_t i = 0; i < rows->count; i++) {
        const struct bs_call_row *row = &rows->items[i];
        uint32_t depth = row->depth < INDENT_DEPTH_MAX ? row->depth : INDENT_DEPTH_MAX;
        bs_buffer_fill(buffer, ' ', indent);
        bs_buffer_count(buffer, row->total, BS_CALL_CELL_COLUMNS);
        bs_buffer_char(buffer, ' '); /* both may be wider than their columns */
        if (row->kind == BS_CALL_ROW_INLINED || row->kind == BS_CALL_ROW_SYSTEM)
            bs_buffer_fill(buffer, ' ', BS_CALL_CELL_COLUMNS - 1);
        else
            bs_buffer_count(buffer, row->instructions, BS_CALL_CELL_COLUMNS - 1);
        bs_buffer_fill(buffer, ' ', 2 + INDENT_COLUMNS * (long)depth);
        put_row(trace, row, buffer);
        bs_buffer_line_end(buffer);
    }
}
