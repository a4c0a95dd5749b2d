#include "core_file.h"

#include "core/cleanup.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* What the core has of @p addr: bytes there and how many follow; 0 for none. */
static size_t find_in_core(const struct core_file *core, uint64_t addr, const uint8_t **ret) {
    for (size_t i = 0; i < core->segment_count; i++) {
        const Elf64_Phdr *segment = &core->segments[i];
        uint64_t offset = addr - segment->p_vaddr;
        if (segment->p_type != PT_LOAD || offset >= segment->p_filesz)
            continue;
        *ret = core->data + segment->p_offset + offset;
        return segment->p_filesz - offset;
    }
    return 0;
}

static bool is_lost(const struct core_file *core, const uint8_t *bytes, size_t length) {
    size_t position = (size_t)(bytes - core->data);
    return position < core->hole_end && position + length > core->hole_start;
}

/* The note NT_FILE (Linux, fs/binfmt_elf.c): these, then names. Notes are aligned to 4 bytes only.
 */
struct __attribute__((packed)) mapped_head {
    uint64_t count, page_bytes;
};
struct __attribute__((packed)) mapped {
    uint64_t start, end, page_offset;
};

/* Read from the file that was mapped at @p addr; the number of bytes got. */
static size_t read_from_file(const struct core_file *core, uint64_t addr, void *ret,
                             size_t length) {
    if (!core->files)
        return 0;
    const struct mapped_head *head = (const void *)core->files;
    const struct mapped *mapped = (const void *)(head + 1);
    const char *name = (const char *)(mapped + head->count);
    for (uint64_t i = 0; i < head->count; i++, name += strlen(name) + 1) {
        if (addr < mapped[i].start || addr >= mapped[i].end)
            continue;
        _cleanup_close_ int fd = open(name, O_RDONLY | O_CLOEXEC);
        uint64_t left = mapped[i].end - addr;
        off_t offset = (off_t)(mapped[i].page_offset * head->page_bytes + (addr - mapped[i].start));
        ssize_t got = fd < 0 ? -1 : pread(fd, ret, length < left ? length : left, offset);
        return got > 0 ? (size_t)got : 0;
    }
    return 0;
}

static struct bs_error *core_read(void *arg, uint64_t addr, void *ret, size_t length) {
    const struct core_file *core = arg;
    uint8_t *out = ret;
    while (length) {
        const uint8_t *bytes;
        size_t part = find_in_core(core, addr, &bytes);
        part = part < length ? part : length;
        if (part && is_lost(core, bytes, part))
            part = 0;
        else if (part)
            memcpy(out, bytes, part);
        else
            part = read_from_file(core, addr, out, length);
        if (!part)
            return bs_error_fault(addr, "memory");
        addr += part;
        out += part;
        length -= part;
    }
    return NULL;
}

static struct bs_error *core_lookup(void *arg, const char *name, uint64_t *ret_addr) {
    const struct bs_target *process = ((struct core_file *)arg)->process;
    return process->lookup(process->arg, name, ret_addr);
}

static struct bs_error *core_modules(void *arg, bs_module_fn fn, void *fn_arg) {
    const struct bs_target *process = ((struct core_file *)arg)->process;
    return process->modules(process->arg, fn, fn_arg);
}

static void find_files(struct core_file *core) {
    for (size_t i = 0; i < core->segment_count; i++) {
        uint64_t at = core->segments[i].p_offset, end = at + core->segments[i].p_filesz;
        if (core->segments[i].p_type != PT_NOTE)
            continue;
        while (at + sizeof(Elf64_Nhdr) <= end) {
            const Elf64_Nhdr *note = (const void *)(core->data + at);
            uint64_t name_bytes = (note->n_namesz + 3) & ~3u,
                     data_bytes = (note->n_descsz + 3) & ~3u;
            if (note->n_type == NT_FILE)
                core->files = core->data + at + sizeof(*note) + name_bytes;
            at += sizeof(*note) + name_bytes + data_bytes;
        }
    }
}

bool core_file_open(const char *path, const struct bs_target *process, struct core_file *core) {
    struct stat status;
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    memset(core, 0, sizeof(*core));
    if (fd < 0 || fstat(fd, &status) || status.st_size < (off_t)sizeof(Elf64_Ehdr))
        return false;
    core->length = (size_t)status.st_size;
    core->data = mmap(NULL, core->length, PROT_READ, MAP_PRIVATE, fd, 0);
    if (core->data == MAP_FAILED)
        return false;
    const Elf64_Ehdr *header = (const void *)core->data;
    core->target = (struct bs_target){core, core_read, core_lookup, core_modules};
    core->process = process;
    core->segments = (const void *)(core->data + header->e_phoff);
    core->segment_count = header->e_phnum;
    find_files(core);
    return true;
}

void core_file_close(struct core_file *core) {
    if (core->data && core->data != MAP_FAILED)
        munmap((void *)core->data, core->length);
    memset(core, 0, sizeof(*core));
}
