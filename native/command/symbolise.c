#include "command/symbolise.h"

#include "core/cleanup.h"
#include "core/hash.h"
#include "core/pack.h"
#include "core/text.h"

#include <string.h>

#define HEAP_BYTES_MAX UINT32_MAX
#define TEXTS_FIRST    1024u
/* Names of C++ functions can be of any length; what is longer is cut off. */
#define TEXT_BYTES_MAX 1000u
/* More functions inlined into each other than this are not told apart (core/calls.h). */
#define INLINED_MAX 32u

struct naming {
    const struct bs_host *host;
    struct bs_progress *progress;
    const struct bs_call *calls;
    size_t call_count;
    struct bs_buffer heap;    /* that of the image, and new texts behind it */
    struct bs_buffer symbols; /* struct bs_symbol, sorted */
    uint32_t *texts;          /* heap offsets of the new texts, open addressing; 0: free */
    size_t text_count, text_capacity;
    uint64_t addr;  /* that is being described */
    uint32_t depth; /* functions seen at it */
};

static uint32_t *text_slot(const struct naming *naming, const char *text, uint32_t length) {
    size_t mask = naming->text_capacity - 1, at = bs_hash(BS_HASH_INIT, text, length) & mask;
    for (;; at = (at + 1) & mask) {
        uint32_t offset = naming->texts[at], there;
        if (!offset)
            return &naming->texts[at];
        memcpy(&there, naming->heap.data + offset, sizeof(there));
        if (there == length &&
            memcmp(naming->heap.data + offset + sizeof(there), text, length) == 0)
            return &naming->texts[at];
    }
}

static bool grow_texts(struct naming *naming) {
    struct naming grown = *naming;
    grown.text_capacity = naming->text_capacity ? 2 * naming->text_capacity : TEXTS_FIRST;
    grown.texts = calloc(grown.text_capacity, sizeof(*grown.texts));
    if (!grown.texts) {
        bs_buffer_fail(&naming->heap, &bs_enomem);
        return false;
    }
    for (size_t i = 0; i < naming->text_capacity; i++) {
        uint32_t offset = naming->texts[i], length;
        if (!offset)
            continue;
        memcpy(&length, naming->heap.data + offset, sizeof(length));
        *text_slot(&grown, naming->heap.data + offset + sizeof(length), length) = offset;
    }
    free(naming->texts);
    *naming = grown;
    return true;
}

/* Heap offset of @p text; 0 for none, and where there is no room. */
static uint32_t add_text(struct naming *naming, const char *text) {
    if (!text || !*text)
        return 0;
    uint32_t length = (uint32_t)strnlen(text, TEXT_BYTES_MAX);
    if (2 * naming->text_count >= naming->text_capacity && !grow_texts(naming))
        return 0;
    uint32_t *slot = text_slot(naming, text, length);
    size_t offset = naming->heap.length;
    if (*slot || offset > HEAP_BYTES_MAX - sizeof(length) - length)
        return *slot;
    bs_buffer_append(&naming->heap, (const char *)&length, sizeof(length));
    bs_buffer_append(&naming->heap, text, length);
    if (naming->heap.error)
        return 0;
    naming->text_count++;
    return *slot = (uint32_t)offset;
}

/* The symbol that was added last, while an address is described. */
static struct bs_symbol *last_symbol(const struct naming *naming) {
    return (struct bs_symbol *)(naming->symbols.data + naming->symbols.length) - 1;
}

static bool add_symbol(void *arg, const struct bs_symbol_info *info) {
    struct naming *naming = arg;
    struct bs_symbol symbol = {
        .addr = naming->addr,
        .offset_bytes = info->module ? info->offset_bytes : 0,
        .function = add_text(naming, info->function),
        .file = add_text(naming, info->file),
        .module = add_text(naming, info->module),
        .line = info->line,
    };
    if (!symbol.function && !symbol.module)
        return true;
    if (naming->depth)
        last_symbol(naming)->inlined = 1; /* into this one */
    naming->depth++;
    bs_buffer_append(&naming->symbols, (const char *)&symbol, sizeof(symbol));
    return !naming->symbols.error && naming->depth < INLINED_MAX;
}

/* Only Ctrl-C and want of memory are errors: what cannot be described stays an address. */
static struct bs_error *describe(struct naming *naming, uint64_t addr) {
    const struct bs_host *host = naming->host;
    naming->addr = addr;
    naming->depth = 0;
    struct bs_error *error = host->describe(host->arg, addr, add_symbol, naming);
    error = bs_error_first(bs_buffer_status(&naming->symbols), error);
    error = bs_error_first(bs_buffer_status(&naming->heap), error);
    if (error && error->code != BS_ERROR_INTERRUPTED && error->code != BS_ERROR_NO_MEMORY) {
        bs_error_destroy(error);
        error = NULL;
    }
    return error;
}

static int compare_addrs(const void *a, const void *b) {
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static size_t sort_addrs(uint64_t *addrs, size_t count) {
    size_t kept = 0;
    qsort(addrs, count, sizeof(*addrs), compare_addrs);
    for (size_t i = 0; i < count; i++) {
        if (addrs[i] && (!kept || addrs[kept - 1] != addrs[i]))
            addrs[kept++] = addrs[i];
    }
    return kept;
}

/*
 * Where functions were entered, and where they were called: the latter tells what was inlined
 * around the call. With room for two addresses for each call.
 */
static size_t collect(const struct naming *naming, uint64_t *ret_addrs) {
    size_t count = 0;
    for (size_t i = 0; i < naming->call_count; i++) {
        const struct bs_call *call = &naming->calls[i];
        if (call->kind != BS_CALL_SYSTEM)
            ret_addrs[count++] = call->function_addr;
        ret_addrs[count++] = call->site_addr;
    }
    return sort_addrs(ret_addrs, count);
}

static struct bs_error *describe_all(struct naming *naming) {
    const struct bs_host *host = naming->host;
    _cleanup_free_ uint64_t *addrs = calloc(2 * naming->call_count, sizeof(*addrs));
    if (!addrs)
        return &bs_enomem;
    size_t count = collect(naming, addrs);
    for (size_t i = 0; i < count; i++) {
        struct bs_error *error = describe(naming, addrs[i]);
        if (!error && host->interrupted(host->arg))
            error = &bs_interrupted;
        if (error)
            return error;
        bs_progress_update(naming->progress, "Naming C functions", i + 1, count);
    }
    return NULL;
}

/* Whether there are CALLS, in an image whose sections can be copied. */
static bool is_nameable(const void *image, size_t length) {
    const struct bs_image_header *header = image;
    if (length < sizeof(*header) || header->magic != BS_IMAGE_MAGIC ||
        header->version != BS_IMAGE_VERSION || header->header_bytes != sizeof(*header))
        return false;
    for (int kind = 0; kind < BS_SECTION_COUNT; kind++) {
        const struct bs_section *section = &header->sections[kind];
        if (section->offset_bytes % BS_IMAGE_ALIGNMENT || section->offset_bytes > length ||
            section->used_bytes > length - section->offset_bytes)
            return false;
    }
    return header->sections[BS_SECTION_CALLS].used_bytes >= sizeof(struct bs_call) &&
           header->sections[BS_SECTION_HEAP].used_bytes >= sizeof(uint32_t);
}

static void naming_deinit(struct naming *naming) {
    bs_buffer_deinit(&naming->heap);
    bs_buffer_deinit(&naming->symbols);
    free(naming->texts);
}

struct bs_error *bs_symbolise(const struct bs_host *host, struct bs_progress *progress,
                              void **image, size_t *length) {
    if (!is_nameable(*image, *length))
        return NULL;
    struct bs_text sections[BS_SECTION_COUNT];
    bs_pack_sections(*image, sections);
    struct naming naming = {
        .host = host,
        .progress = progress,
        .calls = (const struct bs_call *)sections[BS_SECTION_CALLS].data,
        .call_count = sections[BS_SECTION_CALLS].length / sizeof(struct bs_call),
    };
    void *named = NULL;
    bs_buffer_append(&naming.heap, sections[BS_SECTION_HEAP].data,
                     sections[BS_SECTION_HEAP].length);
    struct bs_error *error = bs_buffer_status(&naming.heap);
    if (!error)
        error = describe_all(&naming);
    if (!error) {
        sections[BS_SECTION_HEAP] = bs_buffer_as_text(&naming.heap);
        sections[BS_SECTION_SYMBOLS] = bs_buffer_as_text(&naming.symbols);
        error = bs_pack(*image, sections, &named, length);
    }
    naming_deinit(&naming);
    if (error)
        return error;
    free(*image);
    *image = named;
    return NULL;
}
