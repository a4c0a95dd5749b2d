#include "core/file.h"

#include "check.h"
#include "core/json.h"
#include "core/output.h"
#include "image_builder.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* A directory of its own for each test, and a file in it that does not exist yet. */
struct place {
    char directory[64], path[80];
};

static struct place place_create(void) {
    struct place place = {.directory = "/tmp/bytesight-file-XXXXXX"};
    CHECK(mkdtemp(place.directory));
    snprintf(place.path, sizeof(place.path), "%s/trace", place.directory);
    return place;
}

static void place_destroy(struct place *place) {
    unlink(place->path);
    CHECK_EQ(rmdir(place->directory), 0);
}
#define _cleanup_place_ _cleanup_(place_destroy)

static bool same_records(const struct bs_trace *a, const struct bs_trace *b) {
    return a->event_count == b->event_count && a->step_count == b->step_count &&
           a->heap.length == b->heap.length &&
           !memcmp(a->events, b->events, a->event_count * sizeof(*a->events)) &&
           !memcmp(a->steps, b->steps, a->step_count * sizeof(*a->steps)) &&
           !memcmp(a->heap.data, b->heap.data, a->heap.length);
}

static void write_file(const char *path, const void *data, size_t length) {
    FILE *file = fopen(path, "wb");
    CHECK(file && fwrite(data, 1, length, file) == length && !fclose(file));
}

TEST(file, what_is_saved_is_loaded) {
    _cleanup_place_ struct place place = place_create();
    _cleanup_trace_ struct bs_trace *trace = image_trace(image_small(true));
    _cleanup_trace_ struct bs_trace *loaded = NULL;
    if (!CHECK_OK(bs_file_save(trace, place.path)) || !CHECK_OK(bs_file_load(place.path, &loaded)))
        return;
    CHECK(same_records(trace, loaded));
    CHECK_EQ(loaded->header->uninstrumented_ns * 10, 300);
    CHECK_EQ(loaded->header->flags, trace->header->flags);
}

static mode_t mode_of(const char *path) {
    struct stat status;
    return CHECK(!lstat(path, &status)) ? status.st_mode : 0;
}

static struct bs_error *always(void *arg) {
    (void)arg;
    return NULL;
}

TEST(file, the_mode_of_what_is_replaced_stays) {
    _cleanup_place_ struct place place = place_create();
    _cleanup_trace_ struct bs_trace *trace = image_trace(image_small(true));
    write_file(place.path, "old", 3);
    CHECK(!chmod(place.path, 0600));
    CHECK_OK(bs_file_save(trace, place.path));
    CHECK_EQ(mode_of(place.path), S_IFREG | 0600);
    CHECK(!chmod(place.path, 0664));
    CHECK_OK(bs_json_save(trace, place.path, always, NULL));
    CHECK_EQ(mode_of(place.path), S_IFREG | 0664);
}

TEST(file, a_link_stays_where_its_target_is_new) {
    _cleanup_place_ struct place place = place_create();
    _cleanup_trace_ struct bs_trace *trace = image_trace(image_small(true));
    char near[96], far[96];
    snprintf(near, sizeof(near), "%s/near", place.directory);
    snprintf(far, sizeof(far), "%s/far", place.directory);
    CHECK(!symlink("trace", near) && !symlink(near, far)); /* one relative, one not */
    CHECK_OK(bs_file_save(trace, far));
    CHECK_EQ(mode_of(far) & S_IFMT, S_IFLNK);
    CHECK_EQ(mode_of(near) & S_IFMT, S_IFLNK);
    CHECK_EQ(mode_of(place.path) & S_IFMT, S_IFREG);
    CHECK(!unlink(near) && !symlink("far", near)); /* in a circle */
    CHECK_ERROR(bs_file_save(trace, far), BS_ERROR_OS, "cannot write to");
    CHECK_EQ(mode_of(far) & S_IFMT, S_IFLNK);
    CHECK(!unlink(near) && !unlink(far));
}

/* Room that was reserved and not used is not saved, and what was behind it is. */
TEST(file, sections_are_squeezed) {
    size_t length, room = 1 << 20;
    char *image = image_finish(image_small(true), &length), *wide = calloc(1, length + room);
    struct bs_image_header *header = (struct bs_image_header *)image;
    size_t heap = header->sections[BS_SECTION_HEAP].offset_bytes;
    memcpy(wide, image, heap);
    memcpy(wide + heap + room, image + heap, length - heap);
    free(image);
    header = (struct bs_image_header *)wide;
    header->sections[BS_SECTION_HEAP].offset_bytes += room;
    header->sections[BS_SECTION_EVENTS].capacity_bytes += room;

    struct bs_trace *trace = NULL;
    if (!CHECK_OK(bs_trace_create(wide, length + room, &trace)))
        return;
    _cleanup_free_ void *data = NULL;
    _cleanup_trace_ struct bs_trace *loaded = NULL;
    size_t packed;
    CHECK_OK(bs_file_pack(trace, &data, &packed));
    CHECK(packed < 2048);
    CHECK_OK(bs_file_unpack(data, packed, &loaded));
    CHECK(same_records(trace, loaded));
    CHECK_EQ(loaded->length, length);
    bs_trace_destroy(trace);
}

/* The small trace as a saved file, in memory. */
static void *packed_small(size_t *ret_length) {
    _cleanup_trace_ struct bs_trace *trace = image_trace(image_small(true));
    void *data = NULL;
    CHECK_OK(bs_file_pack(trace, &data, ret_length));
    return data;
}

TEST(file, any_bit_flipped_is_found) {
    size_t length;
    _cleanup_free_ unsigned char *data = packed_small(&length);
    for (size_t i = 0; i < 8 * length; i++) {
        struct bs_trace *trace = NULL;
        data[i / 8] ^= (unsigned char)(1 << i % 8);
        struct bs_error *err = bs_file_unpack(data, length, &trace);
        data[i / 8] ^= (unsigned char)(1 << i % 8);
        CHECK(err && (err->code == BS_ERROR_CORRUPT || err->code == BS_ERROR_UNSUPPORTED));
        bs_error_destroy(err);
    }
}

TEST(file, cut_at_any_length_is_found) {
    size_t length;
    _cleanup_free_ unsigned char *data = packed_small(&length);
    for (size_t cut = 0; cut < length; cut++) {
        struct bs_trace *trace = NULL;
        _cleanup_free_ void *copy = malloc(cut ? cut : 1);
        memcpy(copy, data, cut);
        CHECK_ERROR(bs_file_unpack(copy, cut, &trace), BS_ERROR_CORRUPT,
                    cut < 8 ? "not a trace" : "cut short");
    }
}

TEST(file, more_than_a_trace_is_found) {
    size_t length;
    _cleanup_free_ unsigned char *data = packed_small(&length);
    data = realloc(data, length + 1);
    data[length] = 0;
    struct bs_trace *trace;
    CHECK_ERROR(bs_file_unpack(data, length + 1, &trace), BS_ERROR_CORRUPT, "more in it");
}

TEST(file, other_files_are_told_apart) {
    _cleanup_place_ struct place place = place_create();
    struct bs_trace *trace;
    CHECK_ERROR(bs_file_load(place.path, &trace), BS_ERROR_OS, "No such file");
    CHECK_ERROR(bs_file_load(place.directory, &trace), BS_ERROR_OS, "not a regular file");
    CHECK_ERROR(bs_file_load("/dev/zero", &trace), BS_ERROR_OS, "not a regular file");
    write_file(place.path, "import sys\n", 11);
    CHECK_ERROR(bs_file_load(place.path, &trace), BS_ERROR_CORRUPT,
                "/trace: it is not a trace that bytesight saved");
    write_file(place.path, "", 0);
    CHECK_ERROR(bs_file_load(place.path, &trace), BS_ERROR_CORRUPT, "not a trace");
}

TEST(file, newer_format_is_told) {
    size_t length;
    _cleanup_free_ struct bs_file_header *header = packed_small(&length);
    struct bs_trace *trace;
    header->version++;
    CHECK_ERROR(bs_file_unpack(header, length, &trace), BS_ERROR_UNSUPPORTED, "newer");
}

static uint64_t fnv(const unsigned char *data, size_t length, uint64_t hash) {
    while (length--)
        hash = (hash ^ *data++) * 0x100000001b3;
    return hash;
}

/* Sizes that lie, with a checksum that is right. */
TEST(file, false_sizes_are_refused) {
    static const uint64_t claims[] = {0, 1, 1ull << 30, 1ull << 40, UINT64_MAX};
    size_t length;
    _cleanup_free_ struct bs_file_header *header = packed_small(&length);
    for (size_t i = 0; i < sizeof(claims) / sizeof(*claims); i++) {
        struct bs_trace *trace;
        header->image_bytes = claims[i];
        header->checksum = fnv((unsigned char *)(header + 1), header->packed_bytes,
                               fnv((unsigned char *)header,
                                   offsetof(struct bs_file_header, checksum), 0xcbf29ce484222325));
        CHECK_ERROR(bs_file_unpack(header, length, &trace), BS_ERROR_CORRUPT,
                    claims[i] > BS_FILE_IMAGE_BYTES_MAX ? "claims to hold" : "it is damaged");
    }
}

/* Entries of @p directory beside . and .. */
static int entries(const char *directory) {
    char command[128];
    int count = -1;
    snprintf(command, sizeof(command), "ls -A %s | wc -l", directory);
    FILE *pipe = popen(command, "r");
    CHECK(pipe && fscanf(pipe, "%d", &count) == 1);
    pclose(pipe);
    return count;
}

TEST(file, saving_replaces_and_leaves_nothing_behind) {
    _cleanup_place_ struct place place = place_create();
    _cleanup_trace_ struct bs_trace *trace = image_trace(image_small(true));
    _cleanup_trace_ struct bs_trace *loaded = NULL;
    write_file(place.path, "old", 3);
    CHECK_OK(bs_file_save(trace, place.path));
    CHECK_EQ(entries(place.directory), 1);
    CHECK_OK(bs_file_load(place.path, &loaded));
    struct stat status;
    mode_t mask = umask(022);
    umask(mask);
    CHECK(!stat(place.path, &status));
    CHECK_EQ(status.st_mode & 0777, 0666 & ~mask);
}

TEST(file, saving_follows_a_link) {
    _cleanup_place_ struct place place = place_create();
    _cleanup_trace_ struct bs_trace *trace = image_trace(image_small(true));
    _cleanup_trace_ struct bs_trace *loaded = NULL;
    char link[96];
    struct stat status;
    snprintf(link, sizeof(link), "%s/link", place.directory);
    write_file(place.path, "old", 3);
    CHECK_EQ(symlink("trace", link), 0);
    CHECK_OK(bs_file_save(trace, link));
    CHECK(!lstat(link, &status) && S_ISLNK(status.st_mode));
    CHECK_OK(bs_file_load(place.path, &loaded));
    unlink(link);
}

TEST(file, failure_to_save_keeps_what_was_there) {
    _cleanup_trace_ struct bs_trace *trace = image_trace(image_small(true));
    CHECK_ERROR(bs_file_save(trace, "/nonexistent/dir/trace"), BS_ERROR_OS, "No such file");
    CHECK_ERROR(bs_file_save(trace, "/dev/null"), BS_ERROR_OS, "not a regular file");
    CHECK_ERROR(bs_file_save(trace, "/tmp"), BS_ERROR_OS, "not a regular file");
    CHECK_ERROR(bs_json_save(trace, "/nonexistent/dir/trace", always, NULL), BS_ERROR_OS,
                "No such file");
}

/* Of those that the debugger starts meanwhile, by another thread. */
TEST(file, what_is_being_written_is_no_file_of_other_programs) {
    _cleanup_place_ struct place place = place_create();
    _cleanup_output_ struct bs_output output = {.fd = -1};
    if (CHECK_OK(bs_output_open(place.path, &output)))
        CHECK_EQ(fcntl(output.fd, F_GETFD), FD_CLOEXEC);
}
