/*
 * A saved trace. Little-endian; one header, one zstd frame:
 *
 *   file   = bs_file_header packed
 *   packed = byte[packed_bytes]      a zstd frame with content checksum; unpacked it is a trace
 *                                    image of image_bytes (format/image.h), its sections end to end
 *
 * `checksum` is FNV-1a, 64 bits (core/hash.h), over the header up to it and `packed`.
 * A reader refuses a `version` above its own. Nothing in the file is trusted.
 */
#ifndef BS_CORE_FILE_H
#define BS_CORE_FILE_H

#include "core/trace.h"

#define BS_FILE_MAGIC           0x0a1a434152544289ull /* "\x89BTRAC\x1a\n" in memory order */
#define BS_FILE_VERSION         1
#define BS_FILE_IMAGE_BYTES_MAX (1ull << 32) /* no larger one is fetched, nor loaded */

struct bs_file_header {
    uint64_t magic;
    uint32_t version;
    uint32_t header_bytes; /* sizeof(struct bs_file_header) */
    uint64_t image_bytes;
    uint64_t packed_bytes; /* to the end of the file */
    uint64_t checksum;
};

/* Write @p trace to the file @p path, which is replaced at once or, on an error, not at all. */
struct bs_error *bs_file_save(const struct bs_trace *trace, const char *path);
struct bs_error *bs_file_load(const char *path, struct bs_trace **ret);

/* The same in memory. @p ret_data is released with free(). */
struct bs_error *bs_file_pack(const struct bs_trace *trace, void **ret_data, size_t *ret_length);
struct bs_error *bs_file_unpack(const void *data, size_t length, struct bs_trace **ret);

#endif
