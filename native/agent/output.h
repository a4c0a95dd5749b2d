/*
 * Writing the trace image (format/image.h) into the shared mapping. What has been written is
 * published at once through `used_bytes`, so that the image is whole whenever the worker is killed.
 * Where a section is full nothing is written and nothing fails: callers get 0 or false.
 */
#ifndef BS_AGENT_OUTPUT_H
#define BS_AGENT_OUTPUT_H

#include "format/image.h"
#include "format/request.h"

#include <stdbool.h>
#include <stddef.h>

/* Room for the image that @p request can make: it is reserved, and only used parts cost memory. */
uint64_t bs_output_image_bytes(const struct bs_request *request);
/* Lay out the header and the sections at @p header, in memory that is all zero. Calls nothing. */
void bs_output_lay_out(struct bs_image_header *header, const struct bs_request *request);

/* Write how CALL ended with a sentence, from anywhere: it allocates nothing. */
void bs_output_outcome(struct bs_image_header *header, enum bs_outcome outcome,
                       const char *message);

struct output {
    struct bs_image_header *header;
    struct text_slot *texts; /* heap strings by content; see output.c */
    size_t text_count, text_mask;
};

bool bs_output_init(struct output *output, struct bs_image_header *header);
void bs_output_deinit(struct output *output);

/* Put @p record at the end of a section. False: it is full. */
bool bs_output_put(struct output *output, enum bs_section_kind kind, const void *record,
                   size_t size_bytes);

/* Offset of a heap string, or of a `raised`. Equal ones share an offset. 0: empty, or no room. */
uint32_t bs_output_string(struct output *output, const char *data, size_t length);
uint32_t bs_output_raised(struct output *output, const char *type, size_t type_length,
                          const char *message, size_t message_length);

/*
 * A heap entry in pieces: begin, then put, then end, which publishes it and gives its offset, or 0
 * and no entry when a piece did not fit. Nothing else may be written to the heap meanwhile.
 */
struct heap_entry {
    struct output *output;
    uint64_t start, length;
    bool failed;
};
void bs_heap_begin(struct output *output, struct heap_entry *entry);
void bs_heap_put_bytes(struct heap_entry *entry, const void *data, size_t length);
void bs_heap_put_u32(struct heap_entry *entry, uint32_t value);
void bs_heap_put_string(struct heap_entry *entry, const char *data, size_t length);
/* Overwrite the u32 that was put at @p at (an earlier entry->length). */
void bs_heap_patch_u32(struct heap_entry *entry, uint64_t at, uint32_t value);
uint32_t bs_heap_end(struct heap_entry *entry);

#endif
