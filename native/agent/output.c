#include "agent/output.h"

#include "agent/codes.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_BYTES         4096u
#define HEAP_BYTES         (32u << 20) /* code descriptions */
#define HEAP_BYTES_EVENT   64u         /* and the texts of events, on average */
#define HEAP_BYTES_MAX     0xfff00000u /* offsets are 32 bits */
#define INSTRUCTIONS_MAX   (1u << 18)  /* that are timed apart from the events */
#define CALLS_BYTES_WALKED 32u         /* for each machine instruction walked */
#define TEXTS_FIRST        1024u

struct text_slot {
    uint32_t offset; /* 0: free */
    uint32_t length; /* of the whole entry, its lengths included */
};

static uint64_t pages(uint64_t bytes) {
    return (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

static uint64_t section_bytes(const struct bs_request *request, enum bs_section_kind kind) {
    const uint64_t events = request->max_events;
    const bool profile = request->flags & BS_REQUEST_PROFILE;
    uint64_t heap = HEAP_BYTES + HEAP_BYTES_EVENT * events;
    switch (kind) {
    case BS_SECTION_EVENTS:
        return (events + 1) * sizeof(struct bs_event); /* STOP always fits */
    case BS_SECTION_STEPS:
        return profile ? (events + INSTRUCTIONS_MAX) * sizeof(struct bs_step) : 0;
    case BS_SECTION_COUNTS:
        return profile ? (events + INSTRUCTIONS_MAX) * sizeof(double) : 0;
    case BS_SECTION_CODES:
        return BS_CODES_MAX * sizeof(uint32_t);
    case BS_SECTION_HEAP:
        return heap < HEAP_BYTES_MAX ? heap : HEAP_BYTES_MAX;
    case BS_SECTION_CALLS:
        return profile && request->flags & BS_REQUEST_NATIVE
                   ? (uint64_t)request->max_walk * CALLS_BYTES_WALKED
                   : 0;
    default:
        return 0; /* made by the debugger */
    }
}

uint64_t bs_output_image_bytes(const struct bs_request *request) {
    uint64_t bytes = pages(sizeof(struct bs_image_header));
    for (int kind = 0; kind < BS_SECTION_COUNT; kind++)
        bytes += pages(section_bytes(request, kind));
    return bytes;
}

void bs_output_lay_out(struct bs_image_header *header, const struct bs_request *request) {
    header->magic = BS_IMAGE_MAGIC;
    header->version = BS_IMAGE_VERSION;
    header->header_bytes = sizeof(*header);
    header->engine = BS_ENGINE_SETTRACE;
    header->clock_hz = 1000000000;
    uint64_t offset = pages(sizeof(*header));
    for (int kind = 0; kind < BS_SECTION_COUNT; kind++) {
        struct bs_section *section = &header->sections[kind];
        section->offset_bytes = offset;
        section->capacity_bytes = section_bytes(request, kind);
        offset += pages(section->capacity_bytes);
    }
    /* Offset 0 of the heap is the empty string. */
    header->sections[BS_SECTION_HEAP].used_bytes = sizeof(uint32_t);
}

bool bs_output_init(struct output *output, struct bs_image_header *header) {
    *output = (struct output){.header = header, .text_mask = TEXTS_FIRST - 1};
    output->texts = calloc(TEXTS_FIRST, sizeof(*output->texts));
    return output->texts != NULL;
}

void bs_output_deinit(struct output *output) {
    free(output->texts);
    *output = (struct output){};
}

static unsigned char *section_data(const struct output *output, enum bs_section_kind kind) {
    return (unsigned char *)output->header + output->header->sections[kind].offset_bytes;
}

/*
 * Publish what was written: whoever reads after this process was killed at any point finds whole
 * records. The compiler must keep the order; processors that may not are told, too.
 */
static void publish(struct bs_section *section, uint64_t used_bytes) {
    atomic_thread_fence(memory_order_release);
    *(volatile uint64_t *)&section->used_bytes = used_bytes;
}

bool bs_output_put(struct output *output, enum bs_section_kind kind, const void *record,
                   size_t size_bytes) {
    struct bs_section *section = &output->header->sections[kind];
    const uint64_t used = section->used_bytes;
    if (section->capacity_bytes - used < size_bytes)
        return false;
    memcpy(section_data(output, kind) + used, record, size_bytes);
    publish(section, used + size_bytes);
    return true;
}

void bs_heap_begin(struct output *output, struct heap_entry *entry) {
    *entry = (struct heap_entry){
        .output = output,
        .start = output->header->sections[BS_SECTION_HEAP].used_bytes,
    };
}

void bs_heap_put_bytes(struct heap_entry *entry, const void *data, size_t length) {
    const struct bs_section *heap = &entry->output->header->sections[BS_SECTION_HEAP];
    uint64_t at = entry->start + entry->length;
    if (entry->failed || length > heap->capacity_bytes - at) {
        entry->failed = true;
        return;
    }
    if (length)
        memcpy(section_data(entry->output, BS_SECTION_HEAP) + at, data, length);
    entry->length += length;
}

void bs_heap_put_u32(struct heap_entry *entry, uint32_t value) {
    bs_heap_put_bytes(entry, &value, sizeof(value));
}

void bs_heap_put_string(struct heap_entry *entry, const char *data, size_t length) {
    bs_heap_put_u32(entry, (uint32_t)length);
    bs_heap_put_bytes(entry, data, length);
}

void bs_heap_patch_u32(struct heap_entry *entry, uint64_t at, uint32_t value) {
    if (!entry->failed)
        memcpy(section_data(entry->output, BS_SECTION_HEAP) + entry->start + at, &value,
               sizeof(value));
}

uint32_t bs_heap_end(struct heap_entry *entry) {
    if (entry->failed)
        return 0;
    publish(&entry->output->header->sections[BS_SECTION_HEAP], entry->start + entry->length);
    return (uint32_t)entry->start;
}

/* FNV-1a. */
static uint64_t hash(const unsigned char *data, size_t length) {
    uint64_t h = 0xcbf29ce484222325ull;
    for (size_t i = 0; i < length; i++)
        h = (h ^ data[i]) * 0x100000001b3ull;
    return h;
}

static struct text_slot *text_slot(const struct output *output, const unsigned char *heap,
                                   uint64_t start, uint64_t length) {
    size_t at = hash(heap + start, length) & output->text_mask;
    for (;; at = (at + 1) & output->text_mask) {
        struct text_slot *slot = &output->texts[at];
        if (!slot->offset ||
            (slot->length == length && !memcmp(heap + slot->offset, heap + start, length)))
            return slot;
    }
}

/* Slots are at most half full. Without memory for more, strings are not shared any longer. */
static bool grow_texts(struct output *output, const unsigned char *heap) {
    struct output grown = {.text_mask = output->text_mask * 2 + 1};
    grown.texts = calloc(grown.text_mask + 1, sizeof(*grown.texts));
    if (!grown.texts)
        return false;
    for (size_t i = 0; i <= output->text_mask; i++) {
        struct text_slot old = output->texts[i];
        if (old.offset)
            *text_slot(&grown, heap, old.offset, old.length) = old;
    }
    free(output->texts);
    output->texts = grown.texts;
    output->text_mask = grown.text_mask;
    return true;
}

/* End @p entry, or drop it and give the offset of an equal one. */
static uint32_t end_shared(struct heap_entry *entry) {
    struct output *output = entry->output;
    const unsigned char *heap = section_data(output, BS_SECTION_HEAP);
    if (entry->failed)
        return 0;
    if (output->text_count >= output->text_mask / 2 && !grow_texts(output, heap))
        return bs_heap_end(entry);
    struct text_slot *slot = text_slot(output, heap, entry->start, entry->length);
    if (slot->offset)
        return slot->offset;
    *slot = (struct text_slot){.offset = (uint32_t)entry->start, .length = (uint32_t)entry->length};
    output->text_count++;
    return bs_heap_end(entry);
}

uint32_t bs_output_string(struct output *output, const char *data, size_t length) {
    struct heap_entry entry;
    if (!length)
        return 0;
    bs_heap_begin(output, &entry);
    bs_heap_put_string(&entry, data, length);
    return end_shared(&entry);
}

uint32_t bs_output_raised(struct output *output, const char *type, size_t type_length,
                          const char *message, size_t message_length) {
    struct heap_entry entry;
    bs_heap_begin(output, &entry);
    bs_heap_put_string(&entry, type, type_length);
    bs_heap_put_string(&entry, message, message_length);
    return end_shared(&entry);
}

void bs_output_outcome(struct bs_image_header *header, enum bs_outcome outcome,
                       const char *message) {
    struct output output = {.header = header};
    struct heap_entry entry;
    bs_heap_begin(&output, &entry);
    bs_heap_put_string(&entry, message, strlen(message));
    header->outcome_text = bs_heap_end(&entry);
    header->outcome = outcome;
}
