#include "agent/copy/shared_memory.h"

#include "agent/file_mappings.h"
#include "agent/syscalls.h"

#include <string.h>
#include <sys/mman.h>

#define RANGES_MAX 256 /* what is beyond them is protected, too, but not known afterwards */

/*
 * How the kernel names what is memory and no file (mm/shmem.c, mm/memfd.c, ipc/shm.c), what it
 * shares itself (io_uring/memmap.c, kernel/events/core.c, kernel/bpf, net/socket.c), and where the
 * C library keeps what has a name (shm_open, sem_open).
 */
static const char *const names[] = {
    "/dev/zero (deleted)", "/memfd:",  "/SYSV",     "/anon_hugepage",
    "anon_inode:",         "socket:[", "/dev/shm/",
};

static struct { uint64_t start, end; } ranges[RANGES_MAX];
static size_t count;

static bool is_memory(const char *path) {
    bool named = false;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        named = named || !strncmp(path, names[i], strlen(names[i]));
    return named;
}

static void protect(const struct bs_file_mapping *mapping) {
    if (bs_sys_mprotect(mapping->start, mapping->end - mapping->start,
                        mapping->protection & ~PROT_WRITE) ||
        count == RANGES_MAX)
        return;
    ranges[count].start = mapping->start;
    ranges[count++].end = mapping->end;
}

void bs_shared_memory_protect(const void *ours) {
    struct lines lines;
    struct bs_file_mapping mapping;
    bs_file_mappings_open(&lines);
    while (bs_file_mappings_next(&lines, &mapping)) {
        if (mapping.shared && (mapping.protection & PROT_WRITE) && is_memory(mapping.path) &&
            mapping.start != (uint64_t)(uintptr_t)ours)
            protect(&mapping);
    }
    bs_lines_close(&lines);
}

bool bs_shared_memory_has(uint64_t addr) {
    for (size_t i = 0; i < count; i++) {
        if (addr >= ranges[i].start && addr < ranges[i].end)
            return true;
    }
    return false;
}
