#include "core/file.h"

#include "core/hash.h"
#include "core/output.h"
#include "core/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <zstd.h>

#define COMPRESSION_LEVEL 3

/* The largest file that is read: more than zstd makes of the largest image. */
#define FILE_BYTES_MAX (BS_FILE_IMAGE_BYTES_MAX + BS_FILE_IMAGE_BYTES_MAX / 128)

/* Room that unpacking begins with. */
#define FIRST_BYTES ((size_t)1 << 20)

_Static_assert(sizeof(struct bs_file_header) == 40, "header changed: raise BS_FILE_VERSION");

static uint64_t checksum(const struct bs_file_header *header, const void *packed) {
    uint64_t hash = bs_hash(BS_HASH_INIT, header, offsetof(struct bs_file_header, checksum));
    return bs_hash(hash, packed, header->packed_bytes);
}

/* The image of @p trace with its sections end to end, and nothing else in it. */
static struct bs_error *squeeze(const struct bs_trace *trace, void **ret_image,
                                size_t *ret_length) {
    struct bs_text sections[BS_SECTION_COUNT];
    bs_pack_sections(trace->image, sections);
    return bs_pack(trace->header, sections, ret_image, ret_length);
}

static struct bs_error *compress(const void *image, size_t image_length, void *ret, size_t capacity,
                                 size_t *ret_length) {
    ZSTD_CCtx *context = ZSTD_createCCtx();
    if (!context)
        return &bs_enomem;
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, COMPRESSION_LEVEL);
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    size_t length = ZSTD_compress2(context, ret, capacity, image, image_length);
    ZSTD_freeCCtx(context);
    if (ZSTD_isError(length))
        return bs_error_create(BS_ERROR_OS, "cannot compress the trace: %s",
                               ZSTD_getErrorName(length));
    *ret_length = length;
    return NULL;
}

struct bs_error *bs_file_pack(const struct bs_trace *trace, void **ret_data, size_t *ret_length) {
    _cleanup_free_ void *image = NULL;
    size_t image_length;
    struct bs_error *err = squeeze(trace, &image, &image_length);
    if (err)
        return err;
    size_t capacity = ZSTD_compressBound(image_length), packed_bytes = 0;
    _cleanup_free_ char *data = malloc(sizeof(struct bs_file_header) + capacity);
    if (!data)
        return &bs_enomem;
    err = compress(image, image_length, data + sizeof(struct bs_file_header), capacity,
                   &packed_bytes);
    if (err)
        return err;
    struct bs_file_header header = {
        .magic = BS_FILE_MAGIC,
        .version = BS_FILE_VERSION,
        .header_bytes = sizeof(header),
        .image_bytes = image_length,
        .packed_bytes = packed_bytes,
    };
    header.checksum = checksum(&header, data + sizeof(header));
    memcpy(data, &header, sizeof(header));
    *ret_data = bs_take(data);
    *ret_length = sizeof(header) + packed_bytes;
    return NULL;
}

static struct bs_error *damaged(void) {
    return bs_error_create(BS_ERROR_CORRUPT,
                           "it is damaged: its checksum does not match its content");
}

/* Check what the file says of itself; @p packed is what follows the header. */
static struct bs_error *check_header(const struct bs_file_header *header, const void *packed,
                                     size_t packed_length) {
    if (header->version > BS_FILE_VERSION)
        return bs_error_create(BS_ERROR_UNSUPPORTED,
                               "it has file format %u, and this bytesight reads up to %u: it needs "
                               "the bytesight that saved it, or a newer one",
                               header->version, BS_FILE_VERSION);
    if (header->version != BS_FILE_VERSION || header->header_bytes != sizeof(*header))
        return damaged();
    if (header->packed_bytes > packed_length)
        return bs_error_create(BS_ERROR_CORRUPT, "it is cut short");
    if (header->packed_bytes < packed_length)
        return bs_error_create(BS_ERROR_CORRUPT, "there is more in it than a trace");
    return header->checksum == checksum(header, packed) ? NULL : damaged();
}

/* Make room for more of an image of @p image_bytes: the double, but no more than all of it. */
static bool grow(ZSTD_outBuffer *output, uint64_t image_bytes) {
    size_t size = output->size ? 2 * output->size : FIRST_BYTES;
    if (size > image_bytes)
        size = image_bytes ? image_bytes : 1;
    void *larger = realloc(output->dst, size);
    if (!larger)
        return false;
    output->dst = larger;
    output->size = size;
    return true;
}

/* Unpack into @p output, whose memory the caller frees in any case. */
static struct bs_error *unpack_frame(ZSTD_DCtx *context, ZSTD_inBuffer *input,
                                     ZSTD_outBuffer *output, uint64_t image_bytes) {
    for (;;) {
        if (output->pos == output->size && output->size < image_bytes && !grow(output, image_bytes))
            return &bs_enomem;
        size_t written = output->pos, read = input->pos;
        size_t left = ZSTD_decompressStream(context, output, input);
        bool stuck = output->pos == written && input->pos == read;
        if (ZSTD_isError(left) || (left && stuck))
            return bs_error_create(BS_ERROR_CORRUPT, "it is damaged: it does not decompress");
        if (!left)
            break;
    }
    if (output->pos != image_bytes || input->pos != input->size)
        return bs_error_create(BS_ERROR_CORRUPT, "it is damaged: its sizes do not agree");
    return NULL;
}

/*
 * The checksum is good, but anybody can compute one: the sizes are still only claims. Memory is
 * taken for what the frame really holds, up to a bound, and not for what it says.
 */
static struct bs_error *decompress(const struct bs_file_header *header, const void *packed,
                                   void **ret_image) {
    if (header->image_bytes > BS_FILE_IMAGE_BYTES_MAX)
        return bs_error_create(BS_ERROR_CORRUPT, "it claims to hold a trace of %llu bytes",
                               (unsigned long long)header->image_bytes);
    ZSTD_DCtx *context = ZSTD_createDCtx();
    ZSTD_inBuffer input = {packed, header->packed_bytes, 0};
    ZSTD_outBuffer output = {NULL, 0, 0};
    struct bs_error *err =
        context ? unpack_frame(context, &input, &output, header->image_bytes) : &bs_enomem;
    ZSTD_freeDCtx(context);
    if (err)
        free(output.dst);
    else
        *ret_image = output.dst;
    return err;
}

struct bs_error *bs_file_unpack(const void *data, size_t length, struct bs_trace **ret) {
    const char *packed = (const char *)data + sizeof(struct bs_file_header);
    struct bs_file_header header = {0};
    void *image = NULL;
    memcpy(&header, data, length < sizeof(header) ? length : sizeof(header));
    if (header.magic != BS_FILE_MAGIC)
        return bs_error_create(BS_ERROR_CORRUPT, "it is not a trace that bytesight saved");
    if (length < sizeof(header))
        return bs_error_create(BS_ERROR_CORRUPT, "it is cut short");
    struct bs_error *err = check_header(&header, packed, length - sizeof(header));
    if (!err)
        err = decompress(&header, packed, &image);
    return err ? err : bs_trace_create(image, header.image_bytes, ret);
}

struct bs_error *bs_file_save(const struct bs_trace *trace, const char *path) {
    _cleanup_output_ struct bs_output output = {.fd = -1};
    _cleanup_free_ void *data = NULL;
    size_t length = 0;
    struct bs_error *err = bs_output_open(path, &output);
    if (!err)
        err = bs_file_pack(trace, &data, &length);
    if (!err)
        err = bs_output_write(&output, data, length);
    return err ? err : bs_output_commit(&output);
}

static struct bs_error *cannot_read(const char *path) {
    return bs_error_create(BS_ERROR_OS, "cannot read %s: %s", path, strerror(errno));
}

/* The whole of a regular file. */
static struct bs_error *read_file(const char *path, void **ret_data, size_t *ret_length) {
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    if (fd < 0 || fstat(fd, &status))
        return cannot_read(path);
    if (!S_ISREG(status.st_mode))
        return bs_error_create(BS_ERROR_OS, "cannot read %s: it is not a regular file", path);
    if ((uint64_t)status.st_size > FILE_BYTES_MAX)
        return bs_error_create(BS_ERROR_CORRUPT, "cannot read %s: it is too large for a trace",
                               path);
    size_t size = (size_t)status.st_size, length = 0;
    _cleanup_free_ char *data = malloc(size ? size : 1);
    if (!data)
        return &bs_enomem;
    while (length < size) {
        ssize_t got = read(fd, data + length, size - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return cannot_read(path);
        if (!got)
            break;
        length += (size_t)got;
    }
    *ret_data = bs_take(data);
    *ret_length = length;
    return NULL;
}

struct bs_error *bs_file_load(const char *path, struct bs_trace **ret) {
    _cleanup_free_ void *data = NULL;
    size_t length = 0;
    struct bs_error *err = read_file(path, &data, &length);
    if (err)
        return err;
    err = bs_file_unpack(data, length, ret);
    return err ? bs_error_prefix(err, "cannot load %s", path) : NULL;
}
