/*
 * A tail-call build in small: this program itself is the target, with a function for each opcode
 * of 3.14 and a table of them. It has no interpreter, so nothing else of inspect/ is asked.
 */
#include "check.h"
#include "core/opcodes.h"
#include "inspect/dispatch.h"
#include "inspect/elf_image.h"

#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PYTHON 0x030e00f0

/* Functions that differ, so that no compiler makes one of two. */
static volatile int handled;
/* clang-format off */
#define HANDLER(n)                                                                                 \
    __attribute__((noinline)) static void handler_##n(void) {                                      \
        handled = n;                                                                               \
    }
#define TEN(name, n)                                                                               \
    name(n##0) name(n##1) name(n##2) name(n##3) name(n##4) name(n##5) name(n##6) name(n##7)        \
        name(n##8) name(n##9)
#define HUNDRED(name, n)                                                                           \
    TEN(name, n##0)                                                                                \
    TEN(name, n##1)                                                                                \
    TEN(name, n##2)                                                                                \
    TEN(name, n##3) TEN(name, n##4) TEN(name, n##5) TEN(name, n##6) TEN(name, n##7)                \
        TEN(name, n##8) TEN(name, n##9)
#define EVERY(name)                                                                                \
    HUNDRED(name, 1)                                                                               \
    HUNDRED(name, 2)                                                                               \
    TEN(name, 30)                                                                                  \
    TEN(name, 31) TEN(name, 32) TEN(name, 33) TEN(name, 34) name(350) name(351) name(352)          \
        name(353) name(354) name(355)
EVERY(HANDLER)

#define ENTRY(n) handler_##n,
static void (*const functions[256])(void) = {EVERY(ENTRY)};
/* clang-format on */

/* As the interpreter has it: one handler for all opcodes without a name. And beside it the table
   for tracing, with one handler for all the others. Before them other places in the code. */
#define OTHERS 2
static void (*run[OTHERS + 512])(void);
static void (**const tables)(void) = run + OTHERS;

__attribute__((noinline)) static void after_the_last(void) {
    handled = -1;
}

static void fill_tables(void) {
    const struct bs_opcodes *rows = bs_opcodes_find(PYTHON);
    for (size_t i = 0; i < OTHERS; i++)
        run[i] = functions[200 + i];
    for (size_t i = 0; i < 256; i++) {
        bool named = rows->opcodes[i].name[0] != '<';
        tables[i] = named ? functions[i] : functions[255];
        tables[256 + i] = named ? functions[0] : functions[255];
    }
    tables[0] = after_the_last; /* CACHE */
}

static struct bs_error *read_self(void *arg, uint64_t addr, void *ret, size_t length) {
    if (pread(*(int *)arg, ret, length, (off_t)addr) == (ssize_t)length)
        return NULL;
    return bs_error_fault(addr, "memory");
}

static int note_program(struct dl_phdr_info *info, size_t size, void *arg) {
    uint64_t *start = arg;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type == PT_LOAD && !*start)
            *start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
    }
    return 1; /* the program is the first */
}

static bool open_self(int *fd, struct bs_target *target, struct bs_interpreter *python) {
    *fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    *target = (struct bs_target){.arg = fd, .read = read_self};
    *python = (struct bs_interpreter){.target = target, .python = PYTHON};
    python->eval_addr = (uint64_t)fill_tables;
    dl_iterate_phdr(note_program, &python->module_start_addr);
    fill_tables();
    return CHECK(*fd >= 0) && CHECK(python->module_start_addr != 0);
}

TEST(inspect_dispatch, a_tail_call_build_has_two_tables_of_functions) {
    int fd;
    struct bs_target target;
    struct bs_interpreter python;
    struct bs_table_candidate found[BS_TABLE_CANDIDATES_MAX];
    size_t count = 0;
    if (open_self(&fd, &target, &python) && CHECK_OK(bs_dispatch_find(&python, found, &count)) &&
        CHECK_EQ(count, 2)) {
        CHECK(found[0].table_addr == (uint64_t)&tables[0] && found[0].distinct > 200);
        CHECK(found[1].table_addr == (uint64_t)&tables[256] && found[1].distinct == 2);
    }
    close(fd);
}

TEST(inspect_dispatch, a_python_without_known_opcodes_has_no_table) {
    int fd;
    struct bs_target target;
    struct bs_interpreter python;
    struct bs_table_candidate found[BS_TABLE_CANDIDATES_MAX];
    size_t count = 1;
    if (open_self(&fd, &target, &python)) {
        python.python = 0x03ff00f0;
        CHECK_OK(bs_dispatch_find(&python, found, &count));
        CHECK_EQ(count, 0);
    }
    close(fd);
}

/* The program headers say that all is code, as where the linker separates no code from data. */
static struct bs_error *read_self_as_code(void *arg, uint64_t addr, void *ret, size_t length) {
    struct bs_error *error = read_self(arg, addr, ret, length);
    Elf64_Phdr *header = ret;
    if (!error && length >= sizeof(*header) && header->p_type == PT_PHDR) {
        for (size_t i = 0; i < length / sizeof(*header); i++)
            header[i].p_flags |= PF_X;
    }
    return error;
}

TEST(inspect_dispatch, a_table_among_code_is_found) {
    int fd;
    struct bs_target target;
    struct bs_interpreter python;
    struct bs_table_candidate found[BS_TABLE_CANDIDATES_MAX];
    size_t count = 0;
    if (open_self(&fd, &target, &python)) {
        target.read = read_self_as_code;
        CHECK_OK(bs_dispatch_find(&python, found, &count));
        CHECK(count && found[0].table_addr == (uint64_t)&tables[0]);
    }
    close(fd);
}

TEST(inspect_dispatch, handlers_of_a_tail_call_build_are_the_evaluator) {
    int fd;
    struct bs_target target;
    struct bs_interpreter python;
    _cleanup_evaluator_ struct bs_evaluator evaluator = {};
    if (open_self(&fd, &target, &python) && CHECK_OK(bs_evaluator_find(&python, &evaluator))) {
        CHECK(evaluator.tail_calls);
        CHECK(evaluator.count > 200);
        CHECK(!bs_evaluator_contains(&evaluator, (uint64_t)after_the_last));
        for (size_t i = 1; i < 512; i++)
            CHECK(bs_evaluator_contains(&evaluator, (uint64_t)tables[i] + 1));
        CHECK(bs_evaluator_contains(&evaluator, (uint64_t)fill_tables));
        CHECK(!bs_evaluator_contains(&evaluator, (uint64_t)open_self));
    }
    close(fd);
}

TEST(inspect_elf, knows_functions_and_what_is_executable) {
    int fd;
    struct bs_target target;
    struct bs_interpreter python;
    struct bs_elf elf;
    uint64_t start, end;
    if (open_self(&fd, &target, &python) &&
        CHECK_OK(bs_elf_read(&target, python.module_start_addr, &elf))) {
        CHECK(bs_elf_is_executable(&elf, (uint64_t)open_self));
        CHECK(!bs_elf_is_executable(&elf, (uint64_t)tables));
        CHECK_OK(bs_elf_function(&elf, (uint64_t)open_self + 4, &start, &end));
        CHECK(start == (uint64_t)open_self && end > start);
        CHECK_ERROR(bs_elf_function(&elf, python.module_start_addr, &start, &end),
                    BS_ERROR_NOT_FOUND, "no function covers");
    }
    close(fd);
}

TEST(inspect_elf, knows_the_build_id) {
    int fd;
    struct bs_target target;
    struct bs_interpreter python;
    struct bs_elf elf;
    char id[BS_BUILD_ID_CHARS] = "";
    if (open_self(&fd, &target, &python) &&
        CHECK_OK(bs_elf_read(&target, python.module_start_addr, &elf))) {
        CHECK_OK(bs_elf_build_id(&elf, id));
        CHECK_EQ(strlen(id), 40); /* SHA-1, ld(1) says */
        elf.note_count = 0;
        CHECK_ERROR(bs_elf_build_id(&elf, id), BS_ERROR_NOT_FOUND, "has no build ID");
        /* Notes that say nothing, or that are longer than what they are in. */
        elf.note_count = 1;
        elf.notes[0] =
            (struct bs_elf_segment){.start_addr = (uint64_t)tables, .end_addr = UINT64_MAX};
        CHECK_ERROR(bs_elf_build_id(&elf, id), BS_ERROR_FAULT, "a note");
        elf.notes[0] = (struct bs_elf_segment){.start_addr = 16, .end_addr = 64};
        CHECK_ERROR(bs_elf_build_id(&elf, id), BS_ERROR_FAULT, "a note");
    }
    close(fd);
}

/* A module of one segment that ends where memory does; all of it but the headers faults. */
static struct bs_error *read_headers(void *arg, uint64_t addr, void *ret, size_t length) {
    const Elf64_Ehdr header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB},
                               .e_phoff = sizeof(header),
                               .e_phnum = 1,
                               .e_phentsize = sizeof(Elf64_Phdr)};
    const Elf64_Phdr segment = {.p_type = PT_LOAD,
                                .p_flags = PF_R,
                                .p_offset = 0xfffffffffff00000 - *(uint64_t *)arg,
                                .p_memsz = 0xffff8};
    const uint64_t at = addr - *(uint64_t *)arg;
    if (at == 0 && length == sizeof(header))
        memcpy(ret, &header, length);
    else if (at == sizeof(header) && length == sizeof(segment))
        memcpy(ret, &segment, length);
    else
        return bs_error_create(BS_ERROR_FAULT, "nothing is there");
    return NULL;
}

TEST(inspect_dispatch, a_segment_at_the_end_of_memory_has_an_end) {
    uint64_t start = 0x400000;
    struct bs_target target = {.read = read_headers, .arg = &start};
    struct bs_interpreter python = {
        .target = &target, .python = PYTHON, .module_start_addr = start};
    struct bs_table_candidate candidates[BS_TABLE_CANDIDATES_MAX];
    size_t count = 1;
    CHECK_OK(bs_dispatch_find(&python, candidates, &count));
    CHECK_EQ(count, 0);
}

/* What BOLT makes: the table that runs lies before the code, and the old one among the data. */
struct bolted {
    Elf64_Ehdr header;
    Elf64_Phdr segments[2];
    uint64_t old[256], moved[256];
    uint8_t code[16 * 257];
};
#define BOLTED_ADDR  0x400000
#define HANDLER_ADDR (BOLTED_ADDR + offsetof(struct bolted, code))

static struct bs_error *read_bolted(void *arg, uint64_t addr, void *ret, size_t length) {
    const uint64_t at = addr - BOLTED_ADDR;
    if (at > sizeof(struct bolted) || length > sizeof(struct bolted) - at)
        return bs_error_fault(addr, "memory");
    memcpy(ret, (const char *)arg + at, length);
    return NULL;
}

TEST(inspect_dispatch, a_moved_table_is_tried_before_the_old_one) {
    const struct bs_opcodes *rows = bs_opcodes_find(PYTHON);
    struct bolted module = {
        .header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB},
                   .e_phoff = offsetof(struct bolted, segments),
                   .e_phnum = 2,
                   .e_phentsize = sizeof(Elf64_Phdr)},
        .segments = {{.p_type = PT_LOAD, .p_memsz = offsetof(struct bolted, moved)},
                     {.p_type = PT_LOAD,
                      .p_flags = PF_X,
                      .p_vaddr = offsetof(struct bolted, moved),
                      .p_memsz = sizeof(module.moved) + sizeof(module.code)}}};
    for (uint64_t i = 0; i < 256; i++)
        module.old[i] = HANDLER_ADDR + 16 * (rows->opcodes[i].name[0] != '<' ? i : 256);
    memcpy(module.moved, module.old, sizeof(module.old));
    struct bs_target target = {.read = read_bolted, .arg = &module};
    struct bs_interpreter python = {
        .target = &target, .python = PYTHON, .module_start_addr = BOLTED_ADDR};
    struct bs_table_candidate found[BS_TABLE_CANDIDATES_MAX];
    size_t count = 0;
    CHECK_OK(bs_dispatch_find(&python, found, &count));
    if (CHECK_EQ(count, 2)) {
        CHECK_EQ(found[0].table_addr, BOLTED_ADDR + offsetof(struct bolted, moved));
        CHECK_EQ(found[1].table_addr, BOLTED_ADDR + offsetof(struct bolted, old));
    }
}

TEST(inspect_elf, what_is_no_module_is_refused) {
    int fd;
    struct bs_target target;
    struct bs_interpreter python;
    struct bs_elf elf;
    if (open_self(&fd, &target, &python)) {
        CHECK_ERROR(bs_elf_read(&target, (uint64_t)tables, &elf), BS_ERROR_CORRUPT,
                    "does not begin with an ELF header");
        CHECK_ERROR(bs_elf_read(&target, 16, &elf), BS_ERROR_FAULT, "the ELF header at 0x10");
    }
    close(fd);
}
