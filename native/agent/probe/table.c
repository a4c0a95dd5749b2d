#include "agent/probe/table.h"
#include "agent/probe/maps.h"
#include "agent/syscalls.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE_BYTES 4096ul

/* The one that is patched, for bs_table_abandon(); count 0: none. */
static struct bs_table patched;

/* Copy the entries of @p table and see that each is the address of code. */
static const char *read_handlers(const struct bs_maps *maps, struct bs_table *table) {
    memcpy(table->handlers, table->entries, table->count * sizeof(void *));
    table->low_addr = UINTPTR_MAX;
    for (uint32_t i = 0; i < table->count; i++) {
        uintptr_t handler = (uintptr_t)table->handlers[i];
        const struct bs_mapping *code = bs_maps_find(maps, handler);
        if (!code || !(code->protection & PROT_EXEC))
            return "an entry does not point to code";
        table->low_addr = handler < table->low_addr ? handler : table->low_addr;
        table->high_addr = handler > table->high_addr ? handler : table->high_addr;
    }
    return NULL;
}

static const char *examine(const struct bs_table_candidate *candidate, const struct bs_maps *maps,
                           struct bs_table *ret) {
    uintptr_t addr = candidate->table_addr;
    size_t bytes = candidate->entries * sizeof(void *);
    const struct bs_mapping *mapping = bs_maps_find(maps, addr);
    if (addr % sizeof(void *) || candidate->entries < BS_TABLE_ENTRIES)
        return "it is not a table of 256 addresses";
    if (candidate->entries > BS_TABLE_RUN_MAX)
        return "it is one of too many addresses in a row";
    if (!mapping || bytes > mapping->end_addr - addr)
        return "it is not mapped";
    if (!(mapping->protection & PROT_READ))
        return "it cannot be read";
    struct bs_table table = {.entries = (void **)addr,
                             .handlers = malloc(bytes),
                             .count = candidate->entries,
                             .protection = mapping->protection};
    if (!table.handlers)
        return "there is no memory";
    const char *why = read_handlers(maps, &table);
    if (why)
        bs_table_deinit(&table);
    else
        *ret = table;
    return why;
}

const char *bs_table_examine(const struct bs_table_candidate *candidate, struct bs_table *ret) {
    struct bs_maps maps;
    if (bs_maps_read(&maps))
        return "/proc/self/maps cannot be read";
    const char *why = examine(candidate, &maps, ret);
    bs_maps_deinit(&maps);
    return why;
}

void bs_table_deinit(struct bs_table *table) {
    if (table->handlers == patched.handlers)
        patched = (struct bs_table){0};
    free(table->handlers);
    *table = (struct bs_table){0};
}

/* Code must not lose its protection, nor gain more: the kernel writes there all the same. */
static int write_among_code(const struct bs_table *table, void *const *entries) {
    int fd = bs_sys_open("/proc/self/mem", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return -fd;
    long put = sizeof(*entries);
    for (uint32_t i = 0; i < table->count && put == sizeof(*entries); i++) {
        if (table->entries[i] != entries[i]) /* most are, where few dispatches are stamped */
            put = bs_sys_pwrite(fd, &entries[i], sizeof(*entries), (long)&table->entries[i]);
    }
    bs_sys_close(fd);
    return put < 0 ? (int)-put : put == sizeof(*entries) ? 0 : EIO;
}

static int write_entries(const struct bs_table *table, void *const *entries) {
    if (table->protection & PROT_EXEC)
        return write_among_code(table, entries);
    uintptr_t start = (uintptr_t)table->entries & ~(PAGE_BYTES - 1);
    uintptr_t end = (uintptr_t)(table->entries + table->count);
    bool writable = table->protection & PROT_WRITE;
    if (!writable && mprotect((void *)start, end - start, PROT_READ | PROT_WRITE))
        return errno;
    /* One store for each entry: another thread may be about to jump through it. */
    for (uint32_t i = 0; i < table->count; i++)
        __atomic_store_n(&table->entries[i], entries[i], __ATOMIC_RELEASE);
    if (!writable && mprotect((void *)start, end - start, table->protection))
        return errno;
    return 0;
}

int bs_table_patch(const struct bs_table *table, void *const *entries) {
    patched = *table;
    return write_entries(table, entries);
}

int bs_table_restore(const struct bs_table *table) {
    int error = write_entries(table, table->handlers);
    if (!error)
        patched.count = 0;
    return error;
}

int bs_table_abandon(void) {
    return patched.count ? bs_table_restore(&patched) : 0;
}
