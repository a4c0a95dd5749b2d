#include "agent/walk_functions.h"

#include "agent/probe/maps.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/*
 * .eh_frame_hdr (Linux Standard Base, Core specification, section 10.6.2) as linkers make it:
 * version 1; a 4-byte pointer to .eh_frame relative to itself, a 4-byte count, and a table of pairs
 * of 4-byte offsets from the header: where a function begins, where its description is.
 */
#define HDR_VERSION         1
#define HDR_COUNT_FORMAT    0x03 /* DW_EH_PE_udata4 */
#define HDR_TABLE_FORMAT    0x3b /* DW_EH_PE_datarel | DW_EH_PE_sdata4 */
#define HDR_PAIR_BYTES      8
#define PROGRAM_HEADERS_MAX 64

struct unwind_header {
    uint8_t version, frame_format, count_format, table_format;
    int32_t frame_offset;
    uint32_t count;
    struct {
        int32_t function, description;
    } table[];
};

/* A module that was looked at, or a stretch of code without unwind information (header NULL). */
struct module {
    uint64_t start_addr, end_addr; /* of all its mappings; end exclusive */
    const struct unwind_header *header;
};

struct modules {
    struct bs_maps maps;
    struct module *items; /* in no order; the latest is the last one used */
    size_t count, capacity;
    size_t latest;
};

static bool is_readable(const struct bs_mapping *mapping) {
    return mapping && mapping->protection & PROT_READ;
}

/* Whether @p bytes from @p addr on can be read. */
static bool can_read(const struct bs_maps *maps, uint64_t addr, uint64_t bytes) {
    const struct bs_mapping *mapping = bs_maps_find(maps, addr);
    return is_readable(mapping) && bytes <= mapping->end_addr - addr;
}

static bool is_image(const struct bs_maps *maps, uint64_t addr) {
    const Elf64_Ehdr *header = (const void *)(uintptr_t)addr;
    return can_read(maps, addr, sizeof(*header)) && memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 &&
           header->e_ident[EI_CLASS] == ELFCLASS64 && header->e_phentsize == sizeof(Elf64_Phdr) &&
           header->e_phnum <= PROGRAM_HEADERS_MAX &&
           can_read(maps, addr + header->e_phoff, header->e_phnum * sizeof(Elf64_Phdr));
}

/* The program header of @p type, the first one. */
static const Elf64_Phdr *program_header(uint64_t image_addr, uint32_t type) {
    const Elf64_Ehdr *header = (const void *)(uintptr_t)image_addr;
    const Elf64_Phdr *items = (const void *)(uintptr_t)(image_addr + header->e_phoff);
    for (size_t i = 0; i < header->e_phnum; i++) {
        if (items[i].p_type == type)
            return &items[i];
    }
    return NULL;
}

/* The unwind header of the image at @p image_addr, if it is as described above. */
static const struct unwind_header *unwind_header(const struct bs_maps *maps, uint64_t image_addr) {
    const Elf64_Phdr *load = program_header(image_addr, PT_LOAD);
    const Elf64_Phdr *unwind = program_header(image_addr, PT_GNU_EH_FRAME);
    if (!load || !unwind)
        return NULL;
    uint64_t addr = image_addr - (load->p_vaddr - load->p_offset) + unwind->p_vaddr;
    const struct unwind_header *header = (const void *)(uintptr_t)addr;
    if (!can_read(maps, addr, sizeof(*header)) || header->version != HDR_VERSION ||
        header->count_format != HDR_COUNT_FORMAT || header->table_format != HDR_TABLE_FORMAT ||
        !can_read(maps, addr, sizeof(*header) + (uint64_t)header->count * HDR_PAIR_BYTES))
        return NULL;
    return header;
}

/* The module around @p addr: mappings follow each other from the one that begins with its header.
 */
static struct module look_up(const struct bs_maps *maps, uint64_t addr) {
    const struct bs_mapping *first = bs_maps_find(maps, addr);
    if (!first)
        return (struct module){addr, addr + 1, NULL};
    struct module module = {first->start_addr, first->end_addr, NULL};
    while (!is_image(maps, first->start_addr)) {
        if (first == maps->items || first[-1].end_addr != first->start_addr)
            return module;
        first--;
    }
    module.start_addr = first->start_addr;
    module.header = unwind_header(maps, first->start_addr);
    return module;
}

static const struct module *module_of(struct modules *modules, uint64_t addr) {
    for (size_t i = 0; i < modules->count; i++) {
        size_t at = (modules->latest + i) % modules->count;
        if (addr >= modules->items[at].start_addr && addr < modules->items[at].end_addr) {
            modules->latest = at;
            return &modules->items[at];
        }
    }
    if (modules->count == modules->capacity) {
        size_t capacity = 2 * modules->capacity + 16;
        struct module *items = realloc(modules->items, capacity * sizeof(*items));
        if (!items)
            return NULL;
        modules->items = items;
        modules->capacity = capacity;
    }
    modules->latest = modules->count;
    modules->items[modules->count] = look_up(&modules->maps, addr);
    return &modules->items[modules->count++];
}

/* The head of a description (FDE) as compilers make it: DW_EH_PE_pcrel | DW_EH_PE_sdata4. */
struct description {
    uint32_t length, identity;
    int32_t function; /* relative to itself */
    uint32_t bytes;   /* of the function */
};

/* Whether @p addr is behind the end of the function that entry @p i of the table is about. */
static bool is_behind(const struct modules *modules, const struct unwind_header *header, size_t i,
                      uint64_t addr) {
    uint64_t header_addr = (uint64_t)(uintptr_t)header;
    uint64_t start_addr = header_addr + (uint64_t)(int64_t)header->table[i].function;
    uint64_t description_addr = header_addr + (uint64_t)(int64_t)header->table[i].description;
    const struct description *description = (const void *)(uintptr_t)description_addr;
    if (!can_read(&modules->maps, description_addr, sizeof(*description)))
        return false;
    uint64_t told_addr = description_addr + offsetof(struct description, function) +
                         (uint64_t)(int64_t)description->function;
    return told_addr == start_addr && addr - start_addr >= description->bytes;
}

static enum walk_entry entry(void *arg, uint64_t addr) {
    const struct module *module = module_of(arg, addr);
    if (!module || !module->header)
        return WALK_ENTRY_UNKNOWN;
    const struct unwind_header *header = module->header;
    int64_t offset = (int64_t)(addr - (uint64_t)(uintptr_t)header);
    size_t low = 0, high = header->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (header->table[middle].function < offset)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < header->count && header->table[low].function == offset)
        return WALK_ENTRY_BEGINS;
    return low && !is_behind(arg, header, low - 1, addr) ? WALK_ENTRY_INSIDE : WALK_ENTRY_UNKNOWN;
}

struct walk_functions bs_walk_functions_open(void) {
    struct modules *modules = calloc(1, sizeof(*modules));
    if (!modules || bs_maps_read(&modules->maps)) {
        free(modules);
        return (struct walk_functions){};
    }
    return (struct walk_functions){entry, modules};
}

void bs_walk_functions_close(struct walk_functions *functions) {
    struct modules *modules = functions->arg;
    if (modules) {
        bs_maps_deinit(&modules->maps);
        free(modules->items);
        free(modules);
    }
    *functions = (struct walk_functions){};
}
