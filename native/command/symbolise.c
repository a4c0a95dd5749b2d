#include "command/symbolise.h"

#include "core/cleanup.h"
#include "format/image.h"

#include <string.h>

#define ALIGNMENT      8
#define HEAP_BYTES_MAX UINT32_MAX
#define TEXTS_FIRST    1024u
/* Names of C++ functions can be of any length; what is longer is cut off. */
#define TEXT_BYTES_MAX 1000u
/* More functions inlined into each other than this are not told apart (core/calls.h). */
#define INLINED_MAX 32u

/* Bytes that grow. */
struct bytes {
    char *data;
    size_t length, capacity;
};

struct naming {
    const struct bs_host *host;
    struct bs_progress *progress;
    const struct bs_image_header *header;
    const struct bs_call *calls;
    size_t call_count;
    struct bytes heap;    /* that of the image, and new texts behind it */
    struct bytes symbols; /* struct bs_symbol, sorted */
    uint32_t *texts;      /* heap offsets of the new texts, open addressing; 0: free */
    size_t text_count, text_capacity;
    uint64_t addr;  /* that is being described */
    uint32_t depth; /* functions seen at it */
    bool no_memory; /* sticks */
};

static bool append(struct naming *naming, struct bytes *bytes, const void *data, size_t length) {
    if (length > bytes->capacity - bytes->length) {
        size_t capacity = 2 * (bytes->capacity + length) + 4096;
        char *grown = realloc(bytes->data, capacity);
        if (!grown) {
            naming->no_memory = true;
            return false;
        }
        bytes->data = grown;
        bytes->capacity = capacity;
    }
    if (length)
        memcpy(bytes->data + bytes->length, data, length);
    bytes->length += length;
    return true;
}

static size_t hash(const char *text, size_t length) {
    uint64_t hash = 0xcbf29ce484222325ull; /* FNV-1a */
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3ull;
    return (size_t)hash;
}

static uint32_t *text_slot(const struct naming *naming, const char *text, uint32_t length) {
    size_t mask = naming->text_capacity - 1, at = hash(text, length) & mask;
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
        naming->no_memory = true;
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
    if (!append(naming, &naming->heap, &length, sizeof(length)) ||
        !append(naming, &naming->heap, text, length))
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
    return append(naming, &naming->symbols, &symbol, sizeof(symbol)) && naming->depth < INLINED_MAX;
}

/* Only Ctrl-C is an error: what the debugger cannot describe stays an address. */
static struct bs_error *describe(struct naming *naming, uint64_t addr) {
    const struct bs_host *host = naming->host;
    naming->addr = addr;
    naming->depth = 0;
    struct bs_error *error = host->describe(host->arg, addr, add_symbol, naming);
    if (naming->no_memory) {
        bs_error_destroy(error);
        return &bs_enomem;
    }
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

static uint64_t align(uint64_t value) {
    return (value + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* What section @p kind of the new image is made of. */
static struct bytes section_bytes(const struct naming *naming, enum bs_section_kind kind) {
    const struct bs_section *section = &naming->header->sections[kind];
    if (kind == BS_SECTION_HEAP)
        return naming->heap;
    if (kind == BS_SECTION_SYMBOLS)
        return naming->symbols;
    return (struct bytes){(char *)naming->header + section->offset_bytes, section->used_bytes, 0};
}

static struct bs_error *pack(const struct naming *naming, void **ret_image, size_t *ret_length) {
    struct bs_image_header header = *naming->header;
    uint64_t length = align(sizeof(header));
    for (int kind = 0; kind < BS_SECTION_COUNT; kind++) {
        uint64_t used_bytes = section_bytes(naming, kind).length;
        header.sections[kind] = (struct bs_section){length, used_bytes, used_bytes};
        length = align(length + used_bytes);
    }
    char *image = calloc(1, length);
    if (!image)
        return &bs_enomem;
    memcpy(image, &header, sizeof(header));
    for (int kind = 0; kind < BS_SECTION_COUNT; kind++) {
        struct bytes bytes = section_bytes(naming, kind);
        if (bytes.length)
            memcpy(image + header.sections[kind].offset_bytes, bytes.data, bytes.length);
    }
    *ret_image = image;
    *ret_length = length;
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
        if (section->offset_bytes % ALIGNMENT || section->offset_bytes > length ||
            section->used_bytes > length - section->offset_bytes)
            return false;
    }
    return header->sections[BS_SECTION_CALLS].used_bytes >= sizeof(struct bs_call) &&
           header->sections[BS_SECTION_HEAP].used_bytes >= sizeof(uint32_t);
}

static void naming_deinit(struct naming *naming) {
    free(naming->heap.data);
    free(naming->symbols.data);
    free(naming->texts);
}

struct bs_error *bs_symbolise(const struct bs_host *host, struct bs_progress *progress,
                              void **image, size_t *length) {
    if (!is_nameable(*image, *length))
        return NULL;
    const struct bs_image_header *header = *image;
    const struct bs_section *calls = &header->sections[BS_SECTION_CALLS];
    const struct bs_section *heap = &header->sections[BS_SECTION_HEAP];
    struct naming naming = {
        .host = host,
        .progress = progress,
        .header = header,
        .calls = (const struct bs_call *)((const char *)*image + calls->offset_bytes),
        .call_count = calls->used_bytes / sizeof(struct bs_call),
    };
    void *named = NULL;
    struct bs_error *error = NULL;
    if (!append(&naming, &naming.heap, (const char *)*image + heap->offset_bytes, heap->used_bytes))
        error = &bs_enomem;
    if (!error)
        error = describe_all(&naming);
    if (!error)
        error = pack(&naming, &named, length);
    naming_deinit(&naming);
    if (error)
        return error;
    free(*image);
    *image = named;
    return NULL;
}
