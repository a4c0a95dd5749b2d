#include "core/call_sums.h"

#include "core/cleanup.h"
#include "core/grow.h"
#include "core/hash.h"
#include "core/number.h"
#include "core/text.h"

#include <string.h>

#define SUMS_FIRST 64u

#define NO_SUM UINT32_MAX

#define COUNT_COLUMNS 13
#define SHARE_COLUMNS 8

/* Sums by name and file, in a table with open addressing. */
struct adder {
    struct bs_call_sums *sums;
    size_t capacity;
    uint32_t *slots; /* number + 1 of a sum, 0: free; twice as many as there is room for sums */
    uint32_t *path;  /* numbers of the sums that the rows above the present one count for */
    size_t path_length, path_capacity;
};

static uint32_t *slot_of(const struct adder *adder, struct bs_text name, struct bs_text file) {
    size_t mask = 2 * adder->capacity - 1;
    uint64_t hash = bs_hash(BS_HASH_INIT, name.data, name.length);
    size_t at = bs_hash(hash, file.data, file.length) & mask;
    for (;; at = (at + 1) & mask) {
        uint32_t number = adder->slots[at];
        if (!number || (bs_text_equal(adder->sums->items[number - 1].name, name) &&
                        bs_text_equal(adder->sums->items[number - 1].file, file)))
            return &adder->slots[at];
    }
}

static bool grow(struct adder *adder) {
    size_t capacity = adder->capacity ? 2 * adder->capacity : SUMS_FIRST;
    struct bs_call_sum *items = realloc(adder->sums->items, capacity * sizeof(*items));
    if (!items)
        return false;
    adder->sums->items = items;
    uint32_t *slots = calloc(2 * capacity, sizeof(*slots));
    if (!slots)
        return false;
    free(adder->slots);
    adder->slots = slots;
    adder->capacity = capacity;
    for (size_t i = 0; i < adder->sums->count; i++)
        *slot_of(adder, items[i].name, items[i].file) = (uint32_t)i + 1;
    return true;
}

/* The number of the sum that @p row counts for; false: there is no memory. */
static bool find(struct adder *adder, const struct bs_call_row *row, uint32_t *ret) {
    struct bs_call_sums *sums = adder->sums;
    if (sums->count == adder->capacity && !grow(adder))
        return false;
    uint32_t *slot = slot_of(adder, row->name, row->file);
    if (!*slot) {
        sums->items[sums->count++] = (struct bs_call_sum){
            .name = row->name,
            .file = row->file,
            .line = row->line,
        };
        *slot = (uint32_t)sums->count;
    }
    *ret = *slot - 1;
    return true;
}

static void close_rows(struct adder *adder, size_t depth) {
    while (adder->path_length > depth) {
        uint32_t number = adder->path[--adder->path_length];
        if (number != NO_SUM)
            adder->sums->items[number].active--;
    }
}

static bool open_row(struct adder *adder, uint32_t number) {
    uint32_t *path = bs_grow(adder->path, adder->path_length, &adder->path_capacity, sizeof(*path));
    if (!path)
        return false;
    adder->path = path;
    path[adder->path_length++] = number;
    return true;
}

/*
 * Rows come in preorder: what is open is the path to the present one. An inlined function counts
 * for nothing, but its place on the path is needed; the evaluator is one, wherever its handlers
 * come from.
 */
static bool add_row(struct adder *adder, const struct bs_call_row *row) {
    struct bs_call_row key = *row;
    uint32_t number;
    close_rows(adder, row->depth);
    if (row->kind == BS_CALL_ROW_OPCODE || row->kind == BS_CALL_ROW_EVALUATOR)
        key.file = (struct bs_text){};
    if (row->kind == BS_CALL_ROW_INLINED)
        return open_row(adder, NO_SUM);
    if (!find(adder, &key, &number))
        return false;
    struct bs_call_sum *sum = &adder->sums->items[number];
    sum->calls++;
    sum->instructions += row->instructions;
    adder->sums->instructions += row->instructions;
    if (!sum->active++)
        sum->total += row->total;
    return open_row(adder, number);
}

static struct bs_error *add_rows(struct adder *adder, struct bs_call_rows *rows) {
    bool good = true;
    for (size_t i = 0; i < rows->count && good; i++)
        good = add_row(adder, &rows->items[i]);
    close_rows(adder, 0);
    bs_call_rows_deinit(rows);
    return good ? NULL : &bs_enomem;
}

static struct bs_error *add_trees(struct adder *adder, const struct bs_calls *calls) {
    struct bs_error *err = NULL;
    for (size_t tree = 0; tree < calls->tree_count && !err; tree++) {
        struct bs_call_rows rows;
        err = bs_call_rows_tree(calls, tree, &rows);
        if (!err)
            err = add_rows(adder, &rows);
    }
    return err;
}

static struct bs_error *add_events(struct adder *adder, const struct bs_trace *trace, size_t first,
                                   size_t end) {
    struct bs_error *err = NULL;
    for (size_t i = first; i < end && !err; i++) {
        struct bs_call_rows rows;
        err = bs_call_rows_event(trace, i, &rows);
        if (!err)
            err = add_rows(adder, &rows);
    }
    return err;
}

static int heaviest_first(const void *a, const void *b) {
    const struct bs_call_sum *x = a, *y = b;
    if (x->instructions != y->instructions)
        return x->instructions > y->instructions ? -1 : 1;
    if (x->total != y->total)
        return x->total > y->total ? -1 : 1;
    int order = bs_text_compare(x->name, y->name);
    return order ? order : bs_text_compare(x->file, y->file);
}

struct bs_error *bs_call_sums_init(const struct bs_trace *trace, size_t first, size_t end,
                                   struct bs_call_sums *ret) {
    struct bs_call_sums sums = {};
    struct adder adder = {.sums = &sums};
    struct bs_error *err = NULL;
    if (trace->walk && first == 0 && end == trace->event_count)
        err = add_trees(&adder, trace->walk);
    else if (trace->walk)
        err = add_events(&adder, trace, first, end);
    free(adder.slots);
    free(adder.path);
    if (err) {
        bs_call_sums_deinit(&sums);
        return err;
    }
    if (sums.count)
        qsort(sums.items, sums.count, sizeof(*sums.items), heaviest_first);
    *ret = sums;
    return NULL;
}

void bs_call_sums_deinit(struct bs_call_sums *sums) {
    free(sums->items);
    *sums = (struct bs_call_sums){};
}

static void put_headings(struct bs_buffer *buffer) {
    bs_buffer_style(buffer, BS_STYLE_TITLE);
    bs_buffer_text(buffer, "//// C functions, in machine instructions :");
    bs_buffer_line_end(buffer);
    bs_buffer_style(buffer, BS_STYLE_DIM);
    bs_buffer_format(buffer, "//%*s%*s%*s%*s   function", COUNT_COLUMNS, "entered", COUNT_COLUMNS,
                     "self", SHARE_COLUMNS, "share", COUNT_COLUMNS, "with calls");
    bs_buffer_line_end(buffer);
}

static void put_sum(const struct bs_call_sums *sums, const struct bs_call_sum *sum,
                    struct bs_buffer *buffer) {
    double share =
        sums->instructions ? 100 * (double)sum->instructions / (double)sums->instructions : 0;
    bs_buffer_text(buffer, "  ");
    bs_buffer_count(buffer, sum->calls, COUNT_COLUMNS);
    bs_buffer_count(buffer, sum->instructions, COUNT_COLUMNS);
    bs_buffer_fixed(buffer, share, 1, SHARE_COLUMNS - 2);
    bs_buffer_text(buffer, " %");
    bs_buffer_count(buffer, sum->total, COUNT_COLUMNS);
    bs_buffer_text(buffer, "   ");
    bs_buffer_style(buffer, BS_STYLE_FUNCTION);
    if (sum->name.length)
        bs_buffer_clean(buffer, sum->name);
    else
        bs_buffer_text(buffer, "outside of opcodes");
    if (sum->file.length) {
        bs_buffer_style(buffer, BS_STYLE_FILE);
        bs_buffer_text(buffer, "  ");
        bs_buffer_clean(buffer, sum->file);
        if (sum->line)
            bs_buffer_format(buffer, ":%u", sum->line);
    }
    bs_buffer_line_end(buffer);
}

struct bs_error *bs_call_sums_render(const struct bs_trace *trace, size_t first, size_t end,
                                     struct bs_buffer *buffer) {
    _cleanup_call_sums_ struct bs_call_sums sums = {};
    struct bs_error *err = bs_call_sums_init(trace, first, end, &sums);
    if (err || !sums.count)
        return err;
    put_headings(buffer);
    for (size_t i = 0; i < sums.count && !buffer->error; i++)
        put_sum(&sums, &sums.items[i], buffer);
    return NULL;
}
