/* The kinds of instructions, against objdump over the whole C library. */
#ifdef __x86_64__

#include "agent/walk_insn.h"
#include "check.h"
#include "interpreters.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INSN_BYTES_MAX 15
#define MISMATCHES_MAX 5

TEST(insn, kinds_by_their_bytes) {
    static const struct {
        const char *bytes;
        enum insn_kind kind;
    } cases[] = {
        {"\xe8\0\0\0\0", INSN_CALL},
        {"\x66\x66\x48\xe8\0\0\0\0", INSN_CALL}, /* of __tls_get_addr */
        {"\xff\xd0", INSN_CALL},                 /* *%rax */
        {"\x41\xff\xd3", INSN_CALL},             /* *%r11 */
        {"\xff\x15\0\0\0\0", INSN_CALL},         /* *mem */
        {"\xff\x18", INSN_OTHER},                /* far */
        {"\xff\x30", INSN_OTHER},                /* push */
        {"\xc3", INSN_RETURN},
        {"\xf3\xc3", INSN_RETURN},
        {"\xf2\xc3", INSN_RETURN},
        {"\xc2\x08\0", INSN_RETURN},
        {"\xcb", INSN_OTHER}, /* far */
        {"\xe9\0\0\0\0", INSN_JUMP},
        {"\xeb\0", INSN_JUMP},
        {"\xff\xe0", INSN_JUMP},
        {"\x3e\xff\xe0", INSN_JUMP}, /* notrack */
        {"\xff\x25\0\0\0\0", INSN_JUMP_MEMORY},
        {"\xf2\xff\x25\0\0\0\0", INSN_JUMP_MEMORY}, /* bnd */
        {"\x74\0", INSN_BRANCH},
        {"\x0f\x84\0\0\0\0", INSN_BRANCH},
        {"\x2e\x0f\x84\0\0\0\0", INSN_BRANCH},
        {"\x0f\x05", INSN_SYSCALL},
        {"\x9c", INSN_PUSH_FLAGS},
        {"\x9d", INSN_OTHER}, /* popf */
        {"\xf3\xa4", INSN_REPEAT},
        {"\xf3\x48\xab", INSN_REPEAT},
        {"\xf2\xae", INSN_REPEAT},
        {"\xa4", INSN_OTHER},
        {"\xf3\x0f\x1e\xfa", INSN_OTHER}, /* endbr64 */
        {"\xcc", INSN_BREAKPOINT},
        {"\xc5\xfd\x74\xc1", INSN_OTHER}, /* vpcmpeqb: no branch */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        if (!CHECK_EQ(bs_insn_kind((const uint8_t *)cases[i].bytes), cases[i].kind))
            printf("  in case %zu\n", i);
    }
}

/* Prefixes that objdump writes as words of their own; those of string instructions are none. */
static const char *skip_prefixes(const char *text) {
    static const char *const prefixes[] = {
        "bnd ", "notrack ", "data16 ", "addr32 ", "cs ",  "ds ",       "es ",      "fs ",
        "gs ",  "ss ",      "lock ",   "rex.W ",  "rex ", "xacquire ", "xrelease "};
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
        if (!strncmp(text, prefixes[i], strlen(prefixes[i])))
            return skip_prefixes(text + strlen(prefixes[i]));
    }
    return text;
}

static bool starts(const char *text, const char *with) {
    return !strncmp(text, with, strlen(with));
}

/* The kind by the mnemonic. */
static enum insn_kind told_kind(const char *text) {
    text = skip_prefixes(text);
    if (starts(text, "rep"))
        return strstr(text, "ret")                                     ? INSN_RETURN
               : strchr("mcsl", *skip_prefixes(strchr(text, ' ') + 1)) ? INSN_REPEAT
                                                                       : INSN_OTHER;
    if (starts(text, "call"))
        return INSN_CALL;
    if (starts(text, "ret"))
        return INSN_RETURN;
    if (starts(text, "jmp"))
        return strstr(text, "*") && strstr(text, "(%rip)") ? INSN_JUMP_MEMORY : INSN_JUMP;
    if (*text == 'j' && !strstr(text, "cxz"))
        return INSN_BRANCH;
    if (starts(text, "syscall"))
        return INSN_SYSCALL;
    if (starts(text, "pushf"))
        return INSN_PUSH_FLAGS;
    return starts(text, "int3") ? INSN_BREAKPOINT : INSN_OTHER;
}

/* "  address:\tbytes \tmnemonic operands": the bytes into @p ret, and the rest. */
static const char *parse_line(const char *line, uint8_t ret[INSN_BYTES_MAX + 1]) {
    const char *at = strchr(line, '\t');
    if (line[0] != ' ' || !at)
        return NULL;
    memset(ret, 0, INSN_BYTES_MAX + 1);
    for (size_t count = 0; count < INSN_BYTES_MAX; count++) {
        char *end;
        ret[count] = (uint8_t)strtoul(at, &end, 16);
        at = end;
        if (at[1] == ' ' || at[1] == '\t')
            break;
    }
    at = strchr(at, '\t');
    return at ? at + 1 : NULL;
}

TEST(insn, kinds_of_the_c_library_are_those_of_objdump) {
    Dl_info info;
    pid_t pid;
    char line[512];
    size_t count = 0, mismatches = 0;
    if (!CHECK(dladdr((void *)(uintptr_t)printf, &info)))
        return;
    const char *const args[] = {"-d", "-w", "--insn-width=15", info.dli_fname, NULL};
    FILE *output = program_open("/usr/bin/objdump", args, &pid);
    if (!output)
        SKIP("objdump");
    while (fgets(line, sizeof(line), output)) {
        uint8_t bytes[INSN_BYTES_MAX + 1];
        const char *text = parse_line(line, bytes);
        if (!text || strstr(text, "(bad)"))
            continue;
        count++;
        if (bs_insn_kind(bytes) != told_kind(text) && mismatches++ < MISMATCHES_MAX)
            printf("  kind %d of %s", bs_insn_kind(bytes), line);
    }
    CHECK_EQ(program_close(output, pid), 0);
    CHECK(count > 100000);
    CHECK_EQ(mismatches, 0);
}

#endif
