/*
 * A core file as a bs_target: what it holds, and for the rest the files that were mapped (NT_FILE).
 * The file is ours, made a moment ago; but part of it may be lost.
 */
#ifndef TESTS_INSPECT_CORE_FILE_H
#define TESTS_INSPECT_CORE_FILE_H

#include "inspect/target.h"

#include <elf.h>

struct core_file {
    struct bs_target target;
    const struct bs_target *process; /* answers lookups and modules while it lives */
    const uint8_t *data;
    size_t length;
    size_t hole_start, hole_end; /* bytes of the file that are lost, with the memory in them */
    const Elf64_Phdr *segments;
    size_t segment_count;
    const uint8_t *files; /* NT_FILE */
};

bool core_file_open(const char *path, const struct bs_target *process, struct core_file *core);
void core_file_close(struct core_file *core);

#endif
