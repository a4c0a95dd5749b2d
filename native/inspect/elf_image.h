/*
 * A module as the loader mapped it: which of its addresses are executable, where its functions
 * begin and end, which build it is. Read from memory alone (program headers, .eh_frame_hdr, notes),
 * so a stripped module is as good as any. 64-bit ELF, little-endian; formats are those of the
 * System V gABI and of the Linux Standard Base 5.0, section 10.6.
 */
#ifndef BS_INSPECT_ELF_IMAGE_H
#define BS_INSPECT_ELF_IMAGE_H

#include "inspect/target.h"

#define BS_ELF_SEGMENTS_MAX 64
#define BS_ELF_NOTES_MAX    16  /* parts of a module, and notes in one of them */
#define BS_BUILD_ID_CHARS   129 /* of the longest in hexadecimal, terminated */

struct bs_elf_segment {
    uint64_t start_addr, end_addr; /* as mapped; end exclusive */
    bool executable;
};

struct bs_elf {
    const struct bs_target *target; /* borrowed */
    uint16_t machine;               /* EM_X86_64, ... */
    struct bs_elf_segment segments[BS_ELF_SEGMENTS_MAX];
    size_t segment_count;
    struct bs_elf_segment notes[BS_ELF_NOTES_MAX];
    size_t note_count;
    bool names_loader;          /* as programs do that are linked dynamically */
    uint64_t frame_header_addr; /* .eh_frame_hdr; 0: none */
    uint64_t frame_header_end_addr;
};

/* Read the headers of the module that begins at @p start_addr. */
struct bs_error *bs_elf_read(const struct bs_target *target, uint64_t start_addr,
                             struct bs_elf *ret);

bool bs_elf_is_executable(const struct bs_elf *elf, uint64_t addr);

/*
 * The bounds of the function that covers @p pc_addr, from the unwind table: a function split into a
 * hot and a cold part has two. BS_ERROR_NOT_FOUND where the table has none.
 */
struct bs_error *bs_elf_function(const struct bs_elf *elf, uint64_t pc_addr, uint64_t *ret_start,
                                 uint64_t *ret_end);

/*
 * The build ID of the module as it is mapped, in lower case hexadecimal: what tells one build of it
 * from all others. BS_ERROR_NOT_FOUND where the linker gave it none.
 */
struct bs_error *bs_elf_build_id(const struct bs_elf *elf, char ret[static BS_BUILD_ID_CHARS]);

/* Whether the file of a module has a full symbol table; true where it cannot be read. */
bool bs_elf_file_has_symbols(const char *path);

#endif
