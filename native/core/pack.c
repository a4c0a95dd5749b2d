#include "core/pack.h"

#include <stdlib.h>
#include <string.h>

uint64_t bs_pack_layout(struct bs_image_header *header) {
    uint64_t length = sizeof(*header);
    for (int kind = 0; kind < BS_SECTION_COUNT; kind++) {
        struct bs_section *section = &header->sections[kind];
        section->offset_bytes = length + -length % BS_IMAGE_ALIGNMENT;
        section->capacity_bytes = section->used_bytes;
        length = section->offset_bytes + section->used_bytes;
    }
    return length;
}

void bs_pack_sections(const void *image, struct bs_text ret[BS_SECTION_COUNT]) {
    const struct bs_image_header *header = image;
    for (int kind = 0; kind < BS_SECTION_COUNT; kind++) {
        const struct bs_section *section = &header->sections[kind];
        ret[kind] = (struct bs_text){"", section->used_bytes};
        if (section->used_bytes) /* the place of an empty one may be anywhere */
            ret[kind].data = (const char *)image + section->offset_bytes;
    }
}

struct bs_error *bs_pack(const struct bs_image_header *header,
                         const struct bs_text sections[BS_SECTION_COUNT], void **ret_image,
                         size_t *ret_length) {
    struct bs_image_header packed = *header;
    for (int kind = 0; kind < BS_SECTION_COUNT; kind++)
        packed.sections[kind].used_bytes = sections[kind].length;
    const uint64_t length = bs_pack_layout(&packed);
    char *image = calloc(1, length);
    if (!image)
        return &bs_enomem;
    memcpy(image, &packed, sizeof(packed));
    for (int kind = 0; kind < BS_SECTION_COUNT; kind++) {
        if (sections[kind].length)
            memcpy(image + packed.sections[kind].offset_bytes, sections[kind].data,
                   sections[kind].length);
    }
    *ret_image = image;
    *ret_length = length;
    return NULL;
}
