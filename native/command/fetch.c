#include "command/fetch.h"

#include "command/inject.h"
#include "core/file.h"
#include "core/pack.h"

#include <string.h>

#define CHUNK_BYTES (1u << 20) /* between two looks at Ctrl-C */

struct fetch {
    const struct bs_inferior *inferior;
    struct bs_progress *progress;
    uint64_t image_addr, room_bytes; /* in the inferior: where, and how much the mapping holds */
    char *image;
    uint64_t length, done;
};

/* Check the head; *ret and *ret_length are those of the packed image. */
static struct bs_error *lay_out(const struct bs_image_header *header, uint64_t room_bytes,
                                struct bs_image_header *ret, uint64_t *ret_length) {
    if (header->magic != BS_IMAGE_MAGIC || header->version != BS_IMAGE_VERSION ||
        header->header_bytes != sizeof(*header))
        return bs_error_create(BS_ERROR_UNSUPPORTED, BS_AGENT_ANOTHER);
    for (size_t i = 0; i < BS_SECTION_COUNT; i++) {
        const struct bs_section *section = &header->sections[i];
        if (section->offset_bytes > room_bytes ||
            section->used_bytes > room_bytes - section->offset_bytes)
            return bs_error_create(BS_ERROR_CORRUPT, "the trace that came back is damaged: a "
                                                     "section lies outside of it");
    }
    *ret = *header;
    *ret_length = bs_pack_layout(ret);
    if (*ret_length > BS_FILE_IMAGE_BYTES_MAX)
        return bs_error_create(BS_ERROR_UNSUPPORTED,
                               "the trace is larger than 4 GiB; lower --max-events");
    return NULL;
}

static struct bs_error *copy_section(struct fetch *fetch, const struct bs_section *from,
                                     const struct bs_section *to) {
    const struct bs_host *host = fetch->inferior->host;
    for (uint64_t at = 0; at < from->used_bytes;) {
        uint64_t piece = from->used_bytes - at;
        piece = piece < CHUNK_BYTES ? piece : CHUNK_BYTES;
        struct bs_error *error =
            bs_memory_read(&fetch->inferior->memory, fetch->image_addr + from->offset_bytes + at,
                           fetch->image + to->offset_bytes + at, (size_t)piece);
        if (!error && host->interrupted(host->arg))
            error = &bs_interrupted;
        if (error)
            return error;
        at += piece;
        fetch->done += piece;
        bs_progress_update(fetch->progress, "Reading the trace", fetch->done, fetch->length);
    }
    return NULL;
}

struct bs_error *bs_image_fetch(const struct bs_inferior *inferior, struct bs_progress *progress,
                                uint64_t shared_addr, const struct bs_shared *shared,
                                void **ret_image, size_t *ret_length) {
    struct bs_image_header from = {}, to = {};
    struct fetch fetch = {
        .inferior = inferior,
        .progress = progress,
        .image_addr = shared_addr + shared->image_offset_bytes,
        .room_bytes = shared->mapping_bytes - shared->image_offset_bytes,
        .length = sizeof(from),
    };
    struct bs_error *error =
        bs_memory_read(&inferior->memory, fetch.image_addr, &from, sizeof(from));
    if (!error)
        error = lay_out(&from, fetch.room_bytes, &to, &fetch.length);
    if (error)
        return error;
    _cleanup_free_ char *image = calloc(1, (size_t)fetch.length);
    if (!image)
        return &bs_enomem;
    fetch.image = image;
    memcpy(image, &to, sizeof(to));
    for (size_t i = 0; i < BS_SECTION_COUNT && !error; i++)
        error = copy_section(&fetch, &from.sections[i], &to.sections[i]);
    if (error)
        return error;
    *ret_image = bs_take(image);
    *ret_length = (size_t)fetch.length;
    return NULL;
}
