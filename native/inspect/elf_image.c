#include "inspect/elf_image.h"

#include "core/cleanup.h"

#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static struct bs_error *not_elf(uint64_t addr, const char *why) {
    return bs_error_create(BS_ERROR_CORRUPT, "the module at 0x%" PRIx64 " %s", addr, why);
}

/* Whether @p header is one that we can follow. */
static const char *reject(const Elf64_Ehdr *header) {
    if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
        return "does not begin with an ELF header";
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB)
        return "is not a 64-bit little-endian ELF file";
    if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum > BS_ELF_SEGMENTS_MAX)
        return "has a program header table that makes no sense";
    return NULL;
}

static void take_header(struct bs_elf *elf, const Elf64_Phdr *header, uint64_t bias) {
    uint64_t start = bias + header->p_vaddr, end = start + header->p_memsz;
    if (end < start)
        return;
    struct bs_elf_segment segment = {start, end, header->p_flags & PF_X};
    switch (header->p_type) {
    case PT_LOAD:
        elf->segments[elf->segment_count++] = segment;
        break;
    case PT_NOTE:
        if (elf->note_count < BS_ELF_NOTES_MAX)
            elf->notes[elf->note_count++] = segment;
        break;
    case PT_INTERP:
        elf->names_loader = true;
        break;
    case PT_GNU_EH_FRAME:
        elf->frame_header_addr = start;
        elf->frame_header_end_addr = end;
        break;
    default:
        break;
    }
}

/* What is to be added to addresses of the file: the first segment holds the file's header. */
static uint64_t load_bias(const Elf64_Phdr *headers, size_t count, uint64_t start_addr) {
    for (size_t i = 0; i < count; i++) {
        if (headers[i].p_type == PT_LOAD)
            return start_addr - (headers[i].p_vaddr - headers[i].p_offset);
    }
    return start_addr;
}

struct bs_error *bs_elf_read(const struct bs_target *target, uint64_t start_addr,
                             struct bs_elf *ret) {
    Elf64_Ehdr header;
    Elf64_Phdr headers[BS_ELF_SEGMENTS_MAX];
    struct bs_error *error =
        bs_read_bytes(target, start_addr, "the ELF header", &header, sizeof(header));
    if (error)
        return error;
    const char *why = reject(&header);
    if (why)
        return not_elf(start_addr, why);
    error = bs_read_bytes(target, start_addr + header.e_phoff, "the ELF program headers", headers,
                          header.e_phnum * sizeof(*headers));
    if (error)
        return error;
    struct bs_elf elf = {.target = target, .machine = header.e_machine};
    uint64_t bias = load_bias(headers, header.e_phnum, start_addr);
    for (size_t i = 0; i < header.e_phnum; i++)
        take_header(&elf, &headers[i], bias);
    *ret = elf;
    return NULL;
}

bool bs_elf_is_executable(const struct bs_elf *elf, uint64_t addr) {
    for (size_t i = 0; i < elf->segment_count; i++) {
        const struct bs_elf_segment *segment = &elf->segments[i];
        if (segment->executable && addr >= segment->start_addr && addr < segment->end_addr)
            return true;
    }
    return false;
}

/*
 * .eh_frame_hdr: four bytes (version, three encodings), the place of .eh_frame, the number of rows,
 * then rows (function, description) sorted by function, both relative to the start of the header.
 * Every linker writes the encodings below; others are not followed.
 */
#define ENCODING_PCREL_SDATA4   0x1b
#define ENCODING_UDATA4         0x03
#define ENCODING_DATAREL_SDATA4 0x3b

struct frame_header {
    uint8_t version, frame_encoding, count_encoding, table_encoding;
    int32_t frame_offset;
    uint32_t count;
};

struct frame_row {
    int32_t function, description;
};

static struct bs_error *read_frame_header(const struct bs_elf *elf, struct frame_header *ret) {
    if (!elf->frame_header_addr)
        return bs_error_create(BS_ERROR_NOT_FOUND, "the module has no unwind table");
    struct bs_error *error =
        bs_read_bytes(elf->target, elf->frame_header_addr, "the unwind table", ret, sizeof(*ret));
    if (error)
        return error;
    uint64_t room = elf->frame_header_end_addr - elf->frame_header_addr;
    if (ret->version != 1 || ret->frame_encoding != ENCODING_PCREL_SDATA4 ||
        ret->count_encoding != ENCODING_UDATA4 || ret->table_encoding != ENCODING_DATAREL_SDATA4 ||
        room < sizeof(*ret) || ret->count > (room - sizeof(*ret)) / sizeof(struct frame_row))
        return bs_error_create(BS_ERROR_UNSUPPORTED, "the module's unwind table cannot be read");
    return NULL;
}

static struct bs_error *read_frame_row(const struct bs_elf *elf, uint32_t index,
                                       struct frame_row *ret) {
    uint64_t addr = elf->frame_header_addr + sizeof(struct frame_header) +
                    (uint64_t)index * sizeof(struct frame_row);
    return bs_read_bytes(elf->target, addr, "the unwind table", ret, sizeof(*ret));
}

/* The last row whose function begins at or before @p pc_addr. */
static struct bs_error *find_frame_row(const struct bs_elf *elf, uint32_t count, uint64_t pc_addr,
                                       struct frame_row *ret) {
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        struct frame_row row;
        struct bs_error *error = read_frame_row(elf, middle, &row);
        if (error)
            return error;
        if (elf->frame_header_addr + (int64_t)row.function <= pc_addr) {
            *ret = row;
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (!low)
        return bs_error_create(BS_ERROR_NOT_FOUND, "no function covers 0x%" PRIx64, pc_addr);
    return NULL;
}

struct bs_error *bs_elf_function(const struct bs_elf *elf, uint64_t pc_addr, uint64_t *ret_start,
                                 uint64_t *ret_end) {
    struct frame_header header = {};
    struct frame_row row;
    struct bs_error *error = read_frame_header(elf, &header);
    if (!error)
        error = find_frame_row(elf, header.count, pc_addr, &row);
    if (error)
        return error;
    /* A description: length, place of the common part, function, size; the encoding of the last
       two is in the common part, and is the pc-relative 4-byte one wherever the header's is. */
    uint64_t description_addr = elf->frame_header_addr + (int64_t)row.description;
    uint32_t size;
    error = bs_read_u32(elf->target, description_addr + 12, "the unwind table", &size);
    if (error)
        return error;
    uint64_t start = elf->frame_header_addr + (int64_t)row.function;
    if (pc_addr - start >= size)
        return bs_error_create(BS_ERROR_NOT_FOUND, "no function covers 0x%" PRIx64, pc_addr);
    *ret_start = start;
    *ret_end = start + size;
    return NULL;
}

/* Notes: a header, a name and a description, both filled up to whole words. */
#define WORDS(bytes) (((uint64_t)(bytes) + 3) & ~(uint64_t)3)

/* The build ID, if it is the note at *addr, which is moved on to the next one; else "". */
static struct bs_error *read_note(const struct bs_elf *elf, uint64_t *addr, uint64_t end_addr,
                                  char ret[static BS_BUILD_ID_CHARS]) {
    struct {
        Elf64_Nhdr header;
        char name[sizeof(ELF_NOTE_GNU)];
    } note;
    uint8_t id[(BS_BUILD_ID_CHARS - 1) / 2];
    struct bs_error *error = bs_read_bytes(elf->target, *addr, "a note", &note, sizeof(note));
    if (error)
        return error;
    const uint32_t length = note.header.n_descsz;
    const uint64_t id_addr = *addr + sizeof(note.header) + WORDS(note.header.n_namesz);
    const bool is_id = note.header.n_type == NT_GNU_BUILD_ID &&
                       note.header.n_namesz == sizeof(note.name) &&
                       !memcmp(note.name, ELF_NOTE_GNU, sizeof(note.name)) && length <= sizeof(id);
    *addr = id_addr + WORDS(length);
    if (!is_id || *addr > end_addr)
        return NULL;
    error = bs_read_bytes(elf->target, id_addr, "the build ID", id, length);
    for (size_t i = 0; !error && i < length; i++)
        snprintf(ret + 2 * i, 3, "%02x", id[i]);
    return error;
}

struct bs_error *bs_elf_build_id(const struct bs_elf *elf, char ret[static BS_BUILD_ID_CHARS]) {
    char id[BS_BUILD_ID_CHARS] = "";
    for (size_t i = 0; i < elf->note_count; i++) {
        uint64_t addr = elf->notes[i].start_addr;
        const uint64_t end_addr = elf->notes[i].end_addr;
        for (int note = 0; !*id && addr < end_addr && note < BS_ELF_NOTES_MAX; note++) {
            struct bs_error *error = read_note(elf, &addr, end_addr, id);
            if (error)
                return error;
        }
    }
    if (!*id)
        return bs_error_create(BS_ERROR_NOT_FOUND, "the module has no build ID");
    memcpy(ret, id, sizeof(id));
    return NULL;
}

bool bs_elf_file_has_symbols(const char *path) {
    /* The name comes from the target: it may be a pipe, which must not block us. */
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    Elf64_Ehdr header;
    if (fd < 0 || pread(fd, &header, sizeof(header), 0) != sizeof(header) ||
        memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_shentsize != sizeof(Elf64_Shdr))
        return true;
    for (unsigned int i = 0; i < header.e_shnum; i++) {
        Elf64_Shdr section;
        off_t offset = (off_t)(header.e_shoff + i * sizeof(section));
        if (pread(fd, &section, sizeof(section), offset) != sizeof(section))
            return true;
        if (section.sh_type == SHT_SYMTAB)
            return true;
    }
    return false;
}
