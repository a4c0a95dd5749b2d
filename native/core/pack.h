/*
 * Packed images (format/image.h): sections end to end, and no more room in them than is used. So
 * an image is copied out of the inferior, given SYMBOLS, and saved.
 */
#ifndef BS_CORE_PACK_H
#define BS_CORE_PACK_H

#include "core/code.h"
#include "core/error.h"
#include "format/image.h"

/* Move the sections of @p header to where they are once packed. The length of the image. */
uint64_t bs_pack_layout(struct bs_image_header *header);

/* What is in the sections of @p image, packed or not. Nothing is checked: it was before. */
void bs_pack_sections(const void *image, struct bs_text ret[BS_SECTION_COUNT]);

/*
 * The packed image of @p header, whose sections are ignored, and of what is to be in them.
 * *ret_image is released with free().
 */
struct bs_error *bs_pack(const struct bs_image_header *header,
                         const struct bs_text sections[BS_SECTION_COUNT], void **ret_image,
                         size_t *ret_length);

#endif
