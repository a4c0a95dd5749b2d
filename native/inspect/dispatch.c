#include "inspect/dispatch.h"

#include "core/grow.h"
#include "core/opcodes.h"
#include "inspect/elf_image.h"

#include <string.h>

/*
 * Opcodes without a name share one handler, "unknown opcode". A few numbers that the interpreter
 * knows and its opcode module does not (DO_TRACING of 3.11) may be among those without a name.
 */
#define STRANGERS_MAX 4

/*
 * Nearly every named opcode has a handler of its own. A table that has fewer than this part of them
 * is a switch of some other function that happens to fit; or the second table of a tail-call build
 * (3.15: one handler for all, for tracing), which stands right beside the first.
 */
#define HANDLERS_MIN(named) ((named)*3 / 4)

/* A run of pointers longer than this is no dispatch table; every one found was 256 or 512. */
#define RUN_ENTRIES_MAX 65536

/* Bytes of data that are looked at, and bytes per read. */
#define DATA_BYTES_MAX (256ull << 20)
#define CHUNK_BYTES    (1u << 20)

struct search {
    const struct bs_elf *elf;
    const struct bs_opcodes *opcodes;
    struct bs_table_candidate *items;
    size_t count;
    uint64_t *run; /* the run being gathered */
    size_t run_count, run_capacity;
    uint64_t run_addr;
};

static bool is_named(const struct bs_opcodes *opcodes, size_t number) {
    return opcodes->opcodes[number].name[0] != '<';
}

static int compare_words(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

static uint32_t count_distinct(const uint64_t *entries) {
    uint64_t sorted[BS_TABLE_ENTRIES];
    uint32_t distinct = 1;
    memcpy(sorted, entries, sizeof(sorted));
    qsort(sorted, BS_TABLE_ENTRIES, sizeof(*sorted), compare_words);
    for (size_t i = 1; i < BS_TABLE_ENTRIES; i++)
        distinct += sorted[i] != sorted[i - 1];
    return distinct;
}

/* The handler of most opcodes that have no name, and how many have another one. */
static uint64_t unknown_handler(const struct bs_opcodes *opcodes, const uint64_t *entries,
                                size_t *ret_strangers) {
    uint64_t handler = 0;
    size_t votes = 0, others = 0;
    /* Boyer and Moore's majority vote. */
    for (size_t i = 0; i < BS_TABLE_ENTRIES; i++) {
        if (is_named(opcodes, i))
            continue;
        if (!votes)
            handler = entries[i];
        votes += entries[i] == handler ? 1 : (size_t)-1;
    }
    for (size_t i = 0; i < BS_TABLE_ENTRIES; i++)
        others += !is_named(opcodes, i) && entries[i] != handler;
    *ret_strangers = others;
    return handler;
}

/* Whether a dispatch table of this version may stand at @p entries, and how many of them misfit. */
static bool looks_like_table(const struct bs_opcodes *opcodes, const uint64_t *entries,
                             size_t *ret_misfits) {
    size_t strangers, named_unknown = 0;
    uint64_t handler = unknown_handler(opcodes, entries, &strangers);
    if (strangers > STRANGERS_MAX)
        return false;
    for (size_t i = 0; i < BS_TABLE_ENTRIES; i++)
        named_unknown += is_named(opcodes, i) && entries[i] == handler;
    *ret_misfits = strangers + named_unknown;
    return named_unknown <= STRANGERS_MAX;
}

/*
 * Where the next table begins, from entry @p i of the run on; the end of the run: nowhere. Places
 * just before one look like one too, where other code addresses stand before it, as where BOLT puts
 * all jump tables together. Of those that fit as well the last: numbers without a name come last.
 */
static size_t next_table(const struct search *search, size_t i) {
    size_t found = search->run_count, fewest = SIZE_MAX, misfits;
    for (; i + BS_TABLE_ENTRIES <= search->run_count && i <= found + STRANGERS_MAX; i++) {
        if (looks_like_table(search->opcodes, search->run + i, &misfits) && misfits <= fewest) {
            fewest = misfits;
            found = i;
        }
    }
    return found;
}

/* Keep the candidates sorted by distinct handlers. */
static void add_candidate(struct search *search, uint64_t table_addr, const uint64_t *entries) {
    struct bs_table_candidate candidate = {table_addr, BS_TABLE_ENTRIES, count_distinct(entries)};
    size_t i = search->count;
    while (i && search->items[i - 1].distinct < candidate.distinct)
        i--;
    if (i == BS_TABLE_CANDIDATES_MAX)
        return;
    size_t kept = search->count < BS_TABLE_CANDIDATES_MAX ? search->count : search->count - 1;
    memmove(&search->items[i + 1], &search->items[i], (kept - i) * sizeof(candidate));
    search->items[i] = candidate;
    search->count = kept + 1;
}

/* Drop what is neither a table of enough handlers nor beside one. */
static void drop_others(struct search *search) {
    size_t named = 0, good = 0, count = 0;
    for (size_t i = 0; i < BS_TABLE_ENTRIES; i++)
        named += is_named(search->opcodes, i);
    while (good < search->count && search->items[good].distinct >= HANDLERS_MIN(named))
        good++;
    for (size_t i = 0; i < search->count; i++) {
        bool keep = i < good;
        for (size_t g = 0; g < good && !keep; g++) {
            uint64_t distance = search->items[i].table_addr - search->items[g].table_addr;
            keep = distance == BS_TABLE_ENTRIES * 8 || -distance == BS_TABLE_ENTRIES * 8;
        }
        if (keep)
            search->items[count++] = search->items[i];
    }
    search->count = count;
}

/* The run has ended: look for tables in it. */
static void end_run(struct search *search) {
    size_t i = 0;
    while ((i = next_table(search, i)) < search->run_count) {
        add_candidate(search, search->run_addr + i * 8, search->run + i);
        i += BS_TABLE_ENTRIES;
    }
    search->run_count = 0;
}

static struct bs_error *add_word(struct search *search, uint64_t addr, uint64_t word) {
    if (!bs_elf_is_executable(search->elf, word) || search->run_count == RUN_ENTRIES_MAX) {
        end_run(search);
        return NULL;
    }
    uint64_t *run = bs_grow(search->run, search->run_count, &search->run_capacity, sizeof(*run));
    if (!run)
        return &bs_enomem;
    search->run = run;
    if (!search->run_count)
        search->run_addr = addr;
    run[search->run_count++] = word;
    return NULL;
}

static struct bs_error *search_data(struct search *search, uint64_t start_addr, uint64_t end_addr) {
    _cleanup_free_ uint64_t *chunk = malloc(CHUNK_BYTES);
    const struct bs_target *target = search->elf->target;
    struct bs_error *error = NULL;
    if (!chunk)
        return &bs_enomem;
    const uint64_t skipped = -start_addr & 7, size = end_addr - start_addr;
    uint64_t left = end_addr > start_addr && size > skipped ? size - skipped : 0, bytes;
    for (uint64_t addr = start_addr + skipped; !error && left >= 8; addr += bytes, left -= bytes) {
        bytes = left < CHUNK_BYTES ? left & ~7ull : CHUNK_BYTES;
        size_t words = bytes / 8;
        error = bs_read_bytes(target, addr, "the interpreter's data", chunk, words * 8);
        if (error && error->code == BS_ERROR_FAULT) { /* a hole, as cores have them */
            bs_error_destroy(error);
            error = NULL;
            words = 0;
            end_run(search);
        }
        for (size_t i = 0; !error && i < words; i++)
            error = add_word(search, addr + i * 8, chunk[i]);
    }
    end_run(search);
    return error;
}

static struct bs_error *search_segment(struct search *search, const struct bs_elf_segment *segment,
                                       bool executable) {
    const uint64_t bytes = segment->end_addr - segment->start_addr;
    if (segment->executable != executable || bytes > DATA_BYTES_MAX)
        return NULL;
    return search_data(search, segment->start_addr, segment->end_addr);
}

struct bs_error *bs_dispatch_find(const struct bs_interpreter *python,
                                  struct bs_table_candidate ret_items[BS_TABLE_CANDIDATES_MAX],
                                  size_t *ret_count) {
    struct bs_elf elf;
    struct search search = {.elf = &elf, .items = ret_items};
    struct bs_error *error = bs_elf_read(python->target, python->module_start_addr, &elf);
    search.opcodes = bs_opcodes_find(python->python);
    *ret_count = 0;
    if (error || !search.opcodes)
        return error;
    /* Of two that are alike the first found is tried first: the one that BOLT has moved. */
    for (size_t i = 0; !error && i < elf.segment_count; i++)
        error = search_segment(&search, &elf.segments[i], true);
    for (size_t i = 0; !error && i < elf.segment_count; i++)
        error = search_segment(&search, &elf.segments[i], false);
    free(search.run);
    drop_others(&search);
    if (!error)
        *ret_count = search.count;
    return error;
}
