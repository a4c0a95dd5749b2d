/*
 * Copying an image out of the inferior: the used parts of its sections, end to end, as a packed
 * image. What the head says is checked before anything is allocated or read.
 */
#ifndef BS_COMMAND_FETCH_H
#define BS_COMMAND_FETCH_H

#include "command/inferior.h"
#include "command/progress.h"
#include "format/request.h"

/* *ret_image is released with free(). */
struct bs_error *bs_image_fetch(const struct bs_inferior *inferior, struct bs_progress *progress,
                                uint64_t shared_addr, const struct bs_shared *shared,
                                void **ret_image, size_t *ret_length);

#endif
