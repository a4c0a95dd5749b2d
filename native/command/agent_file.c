#include "command/agent_file.h"

#include "core/cleanup.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MACHINE_CHARS 16

static void name_machine(uint16_t machine, char ret[MACHINE_CHARS]) {
    static const struct {
        uint16_t machine;
        const char *name;
    } rows[] = {
        {EM_X86_64, "x86-64"},
        {EM_AARCH64, "aarch64"},
        {EM_RISCV, "RISC-V"},
    };
    snprintf(ret, MACHINE_CHARS, "machine %u", machine);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].machine == machine)
            snprintf(ret, MACHINE_CHARS, "%s", rows[i].name);
    }
}

struct bs_error *bs_agent_file_check(const char *path, uint16_t machine) {
    Elf64_Ehdr header;
    char agents[MACHINE_CHARS], wanted[MACHINE_CHARS];
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, &header, sizeof(header)) != sizeof(header) ||
        memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_machine == machine)
        return NULL;
    name_machine(header.e_machine, agents);
    name_machine(machine, wanted);
    return bs_error_create(BS_ERROR_UNSUPPORTED,
                           "the agent %s was built for %s, and the process is one for %s: run the "
                           "debugger there, or put an agent that was built there in this place",
                           path, agents, wanted);
}

/* The bytes at @p offset of the file, if all of them are there. */
static void *bytes_at(char *data, size_t length, uint64_t offset, uint64_t size) {
    return offset <= length && size <= length - offset ? data + offset : NULL;
}

/* The program header of @p type that covers @p addr (PT_LOAD), or the only one. */
static const Elf64_Phdr *find_header(char *data, size_t length, uint32_t type, uint64_t addr) {
    const Elf64_Ehdr *header = bytes_at(data, length, 0, sizeof(*header));
    if (!header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
        header->e_phentsize != sizeof(Elf64_Phdr))
        return NULL;
    const Elf64_Phdr *headers =
        bytes_at(data, length, header->e_phoff, (uint64_t)header->e_phnum * sizeof(*headers));
    for (size_t i = 0; headers && i < header->e_phnum; i++) {
        const bool covers = addr - headers[i].p_vaddr < headers[i].p_filesz;
        if (headers[i].p_type == type && (type != PT_LOAD || covers))
            return &headers[i];
    }
    return NULL;
}

static Elf64_Dyn *find_entry(Elf64_Dyn *entries, size_t count, int64_t tag) {
    for (size_t i = 0; i < count; i++) {
        if (entries[i].d_tag == tag)
            return &entries[i];
    }
    return NULL;
}

/* What the agent searches, where it lies in the file. */
static char *find_string(char *data, size_t length, uint64_t addr, size_t size) {
    const Elf64_Phdr *load = find_header(data, length, PT_LOAD, addr);
    char *text =
        load ? bytes_at(data, length, load->p_offset + (addr - load->p_vaddr), size) : NULL;
    return text && !memchr(text, '\0', size - 1) ? text : NULL;
}

bool bs_agent_file_need(char *data, size_t length, const char *path) {
    const Elf64_Phdr *dynamic = find_header(data, length, PT_DYNAMIC, 0);
    Elf64_Dyn *entries =
        dynamic ? bytes_at(data, length, dynamic->p_offset, dynamic->p_filesz) : NULL;
    const size_t count = entries ? dynamic->p_filesz / sizeof(*entries) : 0;
    Elf64_Dyn *strings = find_entry(entries, count, DT_STRTAB);
    Elf64_Dyn *search = find_entry(entries, count, DT_RUNPATH);
    if (!strings || !search)
        return false;
    const size_t size = strlen(path) + 1;
    char *text = find_string(data, length, strings->d_un.d_ptr + search->d_un.d_val, size);
    if (!text)
        return false;
    memcpy(text, path, size);
    search->d_tag = DT_NEEDED;
    return true;
}
