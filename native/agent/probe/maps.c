#include "agent/probe/maps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000 /* Linux 4.17; older kernels take the address as a hint */
#endif

#define PAGE_BYTES  4096ul
#define REACH_BYTES 0x7ff00000ul /* of a signed 32-bit displacement, less a margin */
#define STACK_MOST  (1ul << 30)  /* looked for where its limit is higher, or none */
#define STACK_GUARD (1ul << 20)
#define LOWEST_ADDR 0x10000ul /* vm.mmap_min_addr */

/* All of a file whose size is not known: its text, terminated. */
static int read_text(const char *path, char **ret) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    char *text = NULL;
    size_t length = 0, room = 0;
    ssize_t got = 1;
    int error = 0;
    while (got > 0 && !error) {
        if (room - length < PAGE_BYTES) {
            room = room ? 2 * room : 16 * PAGE_BYTES;
            char *larger = realloc(text, room + 1);
            error = larger ? 0 : ENOMEM;
            text = larger ? larger : text;
        }
        if (!error)
            got = read(fd, text + length, room - length);
        if (!error && got > 0)
            length += (size_t)got;
        else if (got < 0)
            error = errno;
    }
    close(fd);
    if (error) {
        free(text);
        return error;
    }
    text[length] = '\0';
    *ret = text;
    return 0;
}

/* "start-end rwxp ...": one line of proc(5). */
static bool parse_line(const char *line, struct bs_mapping *ret) {
    char *rest;
    ret->start_addr = strtoul(line, &rest, 16);
    if (*rest != '-')
        return false;
    ret->end_addr = strtoul(rest + 1, &rest, 16);
    if (*rest != ' ' || strnlen(rest, 5) < 5)
        return false;
    ret->is_stack = memmem(rest, strcspn(rest, "\n"), "[stack]", strlen("[stack]"));
    ret->protection = (rest[1] == 'r' ? PROT_READ : 0) | (rest[2] == 'w' ? PROT_WRITE : 0) |
                      (rest[3] == 'x' ? PROT_EXEC : 0);
    return true;
}

int bs_maps_read(struct bs_maps *ret) {
    char *text = NULL;
    int error = read_text("/proc/self/maps", &text);
    if (error)
        return error;
    size_t lines = 0;
    for (const char *c = text; *c; c++)
        lines += *c == '\n';
    struct bs_maps maps = {.items = calloc(lines + 1, sizeof(*maps.items))};
    const char *line = text;
    while (maps.items && *line && maps.count <= lines &&
           parse_line(line, &maps.items[maps.count])) {
        maps.count++;
        const char *end = strchr(line, '\n');
        line = end ? end + 1 : "";
    }
    free(text);
    if (!maps.items)
        return ENOMEM;
    *ret = maps;
    return 0;
}

void bs_maps_deinit(struct bs_maps *maps) {
    free(maps->items);
    maps->items = NULL;
    maps->count = 0;
}

const struct bs_mapping *bs_maps_find(const struct bs_maps *maps, uintptr_t addr) {
    size_t low = 0, high = maps->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (addr < maps->items[middle].start_addr)
            high = middle;
        else if (addr >= maps->items[middle].end_addr)
            low = middle + 1;
        else
            return &maps->items[middle];
    }
    return NULL;
}

static void *map_at(uintptr_t addr, size_t bytes) {
    void *got = mmap((void *)addr, bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (got == MAP_FAILED)
        return NULL;
    if ((uintptr_t)got == addr)
        return got;
    munmap(got, bytes);
    return NULL;
}

/* What the main stack may grow by, and the gap that Linux keeps below it (stack_guard_gap). */
static uintptr_t stack_room(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_STACK, &limit) || limit.rlim_cur > STACK_MOST)
        return STACK_MOST;
    return limit.rlim_cur + STACK_GUARD;
}

/*
 * Gaps are tried from the highest down, and each at its top: below a program that is not position
 * independent lies the heap's way up, which is left free for as long as possible.
 */
void *bs_maps_allocate_near(const struct bs_maps *maps, uintptr_t low_addr, uintptr_t high_addr,
                            size_t bytes) {
    const uintptr_t lowest =
        high_addr > REACH_BYTES + LOWEST_ADDR ? high_addr - REACH_BYTES : LOWEST_ADDR;
    const uintptr_t highest = low_addr + REACH_BYTES;
    const uintptr_t stack = stack_room();
    for (size_t i = maps->count + 1; i-- > 0;) {
        uintptr_t start = i ? maps->items[i - 1].end_addr : 0;
        uintptr_t end = i < maps->count ? maps->items[i].start_addr : highest;
        start = start < lowest ? lowest : start;
        if (i < maps->count && maps->items[i].is_stack)
            end -= end < stack ? end : stack;
        end = end > highest ? highest : end;
        uintptr_t addr = (end - bytes) & ~(PAGE_BYTES - 1);
        if (end < bytes || addr < start)
            continue;
        void *got = map_at(addr, bytes);
        if (got)
            return got;
    }
    return NULL;
}
