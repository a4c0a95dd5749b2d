/* Every instruction of the emitter, byte for byte against the assembler. */
#ifdef __x86_64__

#include "agent/probe/emit_x86_64.h"
#include "check.h"
#include "core/cleanup.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLOT_BYTES 32 /* for each instruction, the rest filled */
#define SLOTS_MAX  2000
#define FILLER     0xcc /* not 0x90, which the assembler would fill with longer nops */
#define TEXT_BYTES (SLOT_BYTES * SLOTS_MAX)

static const char *const names[BS_REGISTERS] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp",
                                                "rsi", "rdi", "r8",  "r9",  "r10", "r11",
                                                "r12", "r13", "r14", "r15"};
static const char *const names_32[BS_REGISTERS] = {"eax",  "ecx",  "edx",  "ebx", "esp",  "ebp",
                                                   "esi",  "edi",  "r8d",  "r9d", "r10d", "r11d",
                                                   "r12d", "r13d", "r14d", "r15d"};
static const char *const names_16[BS_REGISTERS] = {"ax",   "cx",   "dx",   "bx",  "sp",   "bp",
                                                   "si",   "di",   "r8w",  "r9w", "r10w", "r11w",
                                                   "r12w", "r13w", "r14w", "r15w"};

/* Both texts grow in step: ours in `code`, the assembler's source in `source`. */
static struct {
    uint8_t code[TEXT_BYTES];
    char *lines[SLOTS_MAX];
    size_t count;
    struct bs_emitter e;
} text;

static void begin(void) {
    for (size_t i = 0; i < text.count; i++)
        free(text.lines[i]);
    text.count = 0;
    memset(text.code, FILLER, sizeof(text.code));
}

static struct bs_emitter *next(void) {
    uint8_t *at = text.code + text.count * SLOT_BYTES;
    text.e = (struct bs_emitter){.at = at, .end = at + SLOT_BYTES};
    return &text.e;
}

static void line(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));
static void line(const char *format, ...) {
    va_list args;
    va_start(args, format);
    if (vasprintf(&text.lines[text.count++], format, args) < 0 || text.count == SLOTS_MAX)
        abort();
    va_end(args);
}

/* The address that the assembler calls start+DISTANCE. */
static const void *start_plus(uintptr_t distance) {
    return (const void *)((uintptr_t)text.code + distance);
}

static bool assemble(uint8_t *ret, size_t bytes) {
    char directory[] = "/tmp/bytesight-emit-XXXXXX", path[64], command[256];
    if (!mkdtemp(directory))
        return false;
    snprintf(path, sizeof(path), "%s/x.s", directory);
    FILE *source = fopen(path, "w");
    fprintf(source, "start:\n");
    for (size_t i = 0; i < text.count; i++)
        fprintf(source, ".balign %d, %#x\n%s\n", SLOT_BYTES, FILLER, text.lines[i]);
    fprintf(source, ".balign %d, %#x\n", SLOT_BYTES, FILLER);
    fclose(source);
    snprintf(command, sizeof(command),
             "cd %s && as --64 -o x.o x.s && objcopy -O binary -j .text x.o x.bin", directory);
    bool made = system(command) == 0;
    snprintf(path, sizeof(path), "%s/x.bin", directory);
    FILE *binary = made ? fopen(path, "r") : NULL;
    size_t got = binary ? fread(ret, 1, bytes, binary) : 0;
    if (binary)
        fclose(binary);
    snprintf(command, sizeof(command), "rm -r %s", directory);
    return system(command) == 0 && got == bytes;
}

static void compare(void) {
    size_t bytes = text.count * SLOT_BYTES;
    _cleanup_free_ uint8_t *expected = malloc(bytes);
    if (!CHECK(assemble(expected, bytes)))
        return;
    for (size_t i = 0; i < text.count; i++) {
        const uint8_t *ours = text.code + i * SLOT_BYTES, *theirs = expected + i * SLOT_BYTES;
        if (CHECK(!memcmp(ours, theirs, SLOT_BYTES)))
            continue;
        printf("  %s\n  ours    ", text.lines[i]);
        for (int b = 0; b < 16; b++)
            printf(" %02x", ours[b]);
        printf("\n  assembler");
        for (int b = 0; b < 16; b++)
            printf(" %02x", theirs[b]);
        printf("\n");
    }
}

static const int32_t offsets[] = {0, 1, -1, 127, -128, 128, -129, 0x12345678, -0x12345678};
#define OFFSETS (sizeof(offsets) / sizeof(offsets[0]))

TEST(emit, operands_with_a_base) {
    begin();
    for (int base = 0; base < BS_REGISTERS; base++) {
        for (size_t o = 0; o < OFFSETS; o++) {
            int reg = (base + 3 * (int)o) % BS_REGISTERS;
            int32_t offset = offsets[o];
            bs_emit_store(next(), base, offset, reg);
            line("mov %%%s, %d(%%%s)", names[reg], offset, names[base]);
            bs_emit_load(next(), reg, base, offset);
            line("mov %d(%%%s), %%%s", offset, names[base], names[reg]);
            bs_emit_lea(next(), reg, base, offset);
            line("lea %d(%%%s), %%%s", offset, names[base], names[reg]);
            bs_emit_store_32(next(), base, offset, reg);
            line("mov %%%s, %d(%%%s)", names_32[reg], offset, names[base]);
            bs_emit_store_16(next(), base, offset, reg);
            line("mov %%%s, %d(%%%s)", names_16[reg], offset, names[base]);
            bs_emit_store_byte(next(), base, offset, 0xfe);
            line("movb $0xfe, %d(%%%s)", offset, names[base]);
            bs_emit_store_value(next(), base, offset, -5);
            line("movq $-5, %d(%%%s)", offset, names[base]);
            bs_emit_compare_byte(next(), base, offset, 2);
            line("cmpb $2, %d(%%%s)", offset, names[base]);
        }
    }
    compare();
}

TEST(emit, operands_at_fixed_addresses) {
    static const int distances[] = {0, 5000, 0x7000000};
    begin();
    for (int reg = 0; reg < BS_REGISTERS; reg++) {
        int distance = distances[reg % 3];
        const void *mem = start_plus((uintptr_t)distance);
        bs_emit_store_mem(next(), mem, reg);
        line("mov %%%s, start+%d(%%rip)", names[reg], distance);
        bs_emit_load_mem(next(), reg, mem);
        line("mov start+%d(%%rip), %%%s", distance, names[reg]);
        bs_emit_lea_mem(next(), reg, mem);
        line("lea start+%d(%%rip), %%%s", distance, names[reg]);
        bs_emit_call_mem(next(), mem);
        line("call *start+%d(%%rip)", distance);
    }
    compare();
}

TEST(emit, registers_alone) {
    begin();
    for (int reg = 0; reg < BS_REGISTERS; reg++) {
        int other = (reg * 7 + 3) % BS_REGISTERS;
        bs_emit_move(next(), reg, other);
        line("mov %%%s, %%%s", names[other], names[reg]);
        bs_emit_move_value(next(), reg, -1);
        line("movq $-1, %%%s", names[reg]);
        bs_emit_and_8(next(), reg, -64);
        line("and $-64, %%%s", names[reg]);
        bs_emit_push(next(), reg);
        line("push %%%s", names[reg]);
        bs_emit_pop(next(), reg);
        line("pop %%%s", names[reg]);
        bs_emit_fxsave(next(), reg);
        line("fxsave64 (%%%s)", names[reg]);
        bs_emit_fxrstor(next(), reg);
        line("fxrstor64 (%%%s)", names[reg]);
        bs_emit_xsave(next(), reg);
        line("xsave64 (%%%s)", names[reg]);
        bs_emit_xrstor(next(), reg);
        line("xrstor64 (%%%s)", names[reg]);
    }
    compare();
}

TEST(emit, jumps_and_the_rest) {
    static const struct {
        enum bs_condition condition;
        const char *name;
    } conditions[] = {{BS_IF_EQUAL, "je"}, {BS_IF_NOT_EQUAL, "jne"}, {BS_IF_ABOVE, "ja"}};
    begin();
    /* Far enough away that the assembler has no shorter form. */
    const void *target = start_plus(0x100000);
    for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
        bs_emit_jump_if(next(), conditions[i].condition, target);
        line("%s start+0x100000", conditions[i].name);
    }
    bs_emit_jump(next(), target);
    line("jmp start+0x100000");
    bs_emit_call(next(), target);
    line("call start+0x100000");
    bs_emit_push_value(next(), 0x12345678); /* the assembler has a shorter form for few bits */
    line("push $0x12345678");
    bs_emit_return(next());
    line("ret");
    bs_emit_rdtsc(next());
    line("rdtsc");
    bs_emit_compare_fs(next(), 0, 0x80000001);
    line("cmpl $0x80000001, %%fs:0");
    bs_emit_compare_fs(next(), 4, 0x7fff);
    line("cmpl $0x7fff, %%fs:4");
    compare();
}

TEST(emit, jumps_ahead_land_where_they_are_told) {
    uint8_t code[64], expected[64];
    struct bs_emitter e = {.at = code, .end = code + sizeof(code)};
    uint8_t *jump = bs_emit_jump_ahead_if(&e, BS_IF_EQUAL);
    bs_emit_rdtsc(&e);
    bs_emit_land(&e, jump);
    memcpy(expected, "\x0f\x84\x02\x00\x00\x00\x0f\x31", 8);
    CHECK_EQ(e.at - code, 8);
    CHECK(!memcmp(code, expected, 8));
    CHECK(!e.failed);
}

TEST(emit, never_writes_past_its_end) {
    uint8_t code[8];
    memset(code, 0xee, sizeof(code));
    struct bs_emitter e = {.at = code, .end = code + 4};
    bs_emit_compare_fs(&e, 0, 1);
    CHECK(e.failed);
    CHECK_EQ(code[4], 0xee);
    uint8_t *jump = bs_emit_jump_ahead_if(&e, BS_IF_EQUAL);
    bs_emit_land(&e, jump);
    CHECK_EQ(code[4], 0xee);
    CHECK_EQ(e.at - code, 4);
}

TEST(emit, fails_on_targets_out_of_reach) {
    uint8_t code[16];
    struct bs_emitter e = {.at = code, .end = code + sizeof(code)};
    bs_emit_jump(&e, (const void *)((uintptr_t)code + (1ull << 31) + 100));
    CHECK(e.failed);
}

#endif
