#include "command/agent_file.h"

#include <elf.h>
#include <stdint.h>
#include <string.h>

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
