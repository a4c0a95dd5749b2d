/*
 * Any bytes as a saved trace. The checksum is made right first, or nothing would get past it.
 */
#include "core/file.h"
#include "image_builder.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

static uint64_t fnv(const uint8_t *data, size_t length, uint64_t hash) {
    while (length--)
        hash = (hash ^ *data++) * 0x100000001b3;
    return hash;
}

static void load(const void *data, size_t size) {
    struct bs_trace *trace;
    struct bs_error *err = bs_file_unpack(data, size, &trace);
    if (err)
        bs_error_destroy(err);
    else
        bs_trace_destroy(trace);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bs_file_header header;
    load(data, size);
    if (size < sizeof(header))
        return 0;
    uint8_t *copy = malloc(size);
    memcpy(copy, data, size);
    memcpy(&header, data, sizeof(header));
    header.packed_bytes = size - sizeof(header);
    header.checksum =
        fnv(copy + sizeof(header), size - sizeof(header),
            fnv((uint8_t *)&header, offsetof(struct bs_file_header, checksum), 0xcbf29ce484222325));
    memcpy(copy, &header, sizeof(header));
    load(copy, size);
    free(copy);
    return 0;
}

/* Few bytes are a saved trace by chance: some of the time, begin with one. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed) {
    if (seed % 64 == 0) {
        size_t length;
        void *image = image_finish(image_small(seed % 128), &length), *packed;
        struct bs_trace *trace;
        if (bs_trace_create(image, length, &trace) || bs_file_pack(trace, &packed, &length))
            abort();
        if (length <= max_size) {
            memcpy(data, packed, length);
            size = length;
        }
        free(packed);
        bs_trace_destroy(trace);
    }
    return LLVMFuzzerMutate(data, size, max_size);
}
