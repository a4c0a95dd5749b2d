/* The stubs alone: what they write, and that they change no register. */
#ifdef __x86_64__

#include "agent/probe/emit_x86_64.h"
#include "agent/probe/stubs.h"
#include "check.h"
#include "core/cleanup.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define VECTOR_BYTES 32
#define RED_ZONE     128

/* All registers but the stack pointer, which has its place. */
struct machine {
    uint64_t general[BS_REGISTERS];
    uint8_t vector[16][VECTOR_BYTES];
};

/* Set by enter_stub from `before`, read back into `after` by the handlers. */
struct machine machine_before, machine_after;
uint64_t machine_opcode;
uint64_t machine_stack;
uint8_t machine_red_zone_after[RED_ZONE];
void enter_stub(void *stub);
extern char machine_handlers[]; /* 256, 16 bytes apart */

/*
 * enter_stub: as a handler of the interpreter would, jump to a stub with all registers in use and
 * the red zone and a word of the frame full of 0x5a. The handlers note everything and return to
 * enter_stub's caller.
 */
__asm__(".text\n"
        "enter_stub:\n"
        "    push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
        "    mov %rsp, machine_stack(%rip)\n"
        "    lea -1024(%rsp), %rsp\n"
        "    mov %rdi, -256(%rsp)\n"
        "    .set at, 1\n"
        "    .rept 16\n"
        "    movabs $0x5a5a5a5a5a5a5a5a, %rax\n"
        "    mov %rax, -8*at(%rsp)\n"
        "    .set at, at + 1\n"
        "    .endr\n"
        "    mov %rax, 1000(%rsp)\n"
        "    mov -256(%rsp), %rax\n"
        "    mov %rax, machine_target(%rip)\n"
        "    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
        "    vmovdqu machine_before+128+32*\\n(%rip), %ymm\\n\n"
        "    .endr\n"
        "    mov machine_before+0(%rip), %rax\n"
        "    mov machine_before+8(%rip), %rcx\n"
        "    mov machine_before+16(%rip), %rdx\n"
        "    mov machine_before+24(%rip), %rbx\n"
        "    mov machine_before+40(%rip), %rbp\n"
        "    mov machine_before+48(%rip), %rsi\n"
        "    mov machine_before+56(%rip), %rdi\n"
        "    .irp n, 8,9,10,11,12,13,14,15\n"
        "    mov machine_before+8*\\n(%rip), %r\\n\n"
        "    .endr\n"
        "    mov %rsp, machine_before+32(%rip)\n"
        "    jmp *machine_target(%rip)\n"
        ".balign 16\n"
        "machine_handlers:\n"
        "    .set opcode, 0\n"
        "    .rept 256\n"
        "    .balign 16\n"
        "    movw $opcode, machine_opcode(%rip)\n"
        "    jmp leave_stub\n"
        "    .set opcode, opcode + 1\n"
        "    .endr\n"
        "leave_stub:\n"
        "    mov %rax, machine_after+0(%rip)\n"
        "    mov %rcx, machine_after+8(%rip)\n"
        "    mov %rdx, machine_after+16(%rip)\n"
        "    mov %rbx, machine_after+24(%rip)\n"
        "    mov %rsp, machine_after+32(%rip)\n"
        "    mov %rbp, machine_after+40(%rip)\n"
        "    mov %rsi, machine_after+48(%rip)\n"
        "    mov %rdi, machine_after+56(%rip)\n"
        "    .irp n, 8,9,10,11,12,13,14,15\n"
        "    mov %r\\n, machine_after+8*\\n(%rip)\n"
        "    .endr\n"
        "    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
        "    vmovdqu %ymm\\n, machine_after+128+32*\\n(%rip)\n"
        "    .endr\n"
        "    .set at, 1\n"
        "    .rept 16\n"
        "    mov -8*at(%rsp), %rax\n"
        "    mov %rax, machine_red_zone_after+128-8*at(%rip)\n"
        "    .set at, at + 1\n"
        "    .endr\n"
        "    mov machine_stack(%rip), %rsp\n"
        "    vzeroupper\n"
        "    pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
        "    ret\n"
        ".local machine_target\n"
        ".comm machine_target, 8, 8\n");

static void *handlers[BS_TABLE_ENTRIES];
static struct bs_table table = {.handlers = handlers, .count = BS_TABLE_ENTRIES};

/* The frame pointer leads to the end of it. */
static uint64_t frame[BS_FRAME_WORDS];

/* All registers, and a word by each of the two frame bases. */
#define HOLDERS (BS_REGISTERS + 2)
static struct bs_holder holders(int number) {
    static const struct bs_holder words[] = {
        {.index = BS_RSP, .in_memory = true, .displacement_bytes = 1000},
        {.index = BS_RBP, .in_memory = true, .displacement_bytes = -1000}};
    if (number < BS_REGISTERS)
        return (struct bs_holder){.index = number};
    return words[number - BS_REGISTERS];
}

/* What a stub must have noted of it. */
static uint64_t held(int number) {
    return number < BS_REGISTERS    ? machine_before.general[number]
           : number == BS_REGISTERS ? 0x005a5a5a5a5a5a5a
                                    : frame[BS_FRAME_WORDS - 1000 / 8];
}

static bool have_vectors(void) {
    return __builtin_cpu_supports("avx");
}

static bool make(enum bs_stub_kind kind, struct bs_holder holder, struct bs_stubs *ret) {
    for (int i = 0; i < BS_TABLE_ENTRIES; i++)
        handlers[i] = machine_handlers + 16 * i;
    table.low_addr = (uintptr_t)handlers[0];
    table.high_addr = (uintptr_t)handlers[BS_TABLE_ENTRIES - 1];
    return CHECK_EQ(bs_stubs_create(&table, kind, &holder, ret), 0);
}

/* Through the stub of @p opcode, with every register a value of its own. */
static void pass_through(struct bs_stubs *stubs, int opcode) {
    static uint64_t salt;
    salt += 0x0101010101010101;
    for (int r = 0; r < BS_REGISTERS; r++)
        machine_before.general[r] = 0x1122334455667788 * (uint64_t)(r + 1) ^ salt;
    /* What is noted has 56 bits: an address. */
    for (int r = 0; r < BS_REGISTERS; r++)
        machine_before.general[r] &= 0x00ffffffffffffff;
    machine_before.general[BS_RBP] = (uintptr_t)(frame + BS_FRAME_WORDS);
    frame[BS_FRAME_WORDS - 1000 / 8] = machine_before.general[BS_RAX] ^ 1;
    memset(&machine_after, 0, sizeof(machine_after));
    for (int v = 0; v < 16; v++)
        memset(machine_before.vector[v], 0x30 + v, VECTOR_BYTES);
    enter_stub(stubs->entries[opcode]);
    CHECK_EQ(machine_opcode, opcode);
    for (int r = 0; r < BS_REGISTERS; r++)
        CHECK_EQ(machine_after.general[r], machine_before.general[r]);
    CHECK(!memcmp(machine_after.vector, machine_before.vector, sizeof(machine_after.vector)));
    for (int i = 0; i < RED_ZONE; i++) {
        if (!CHECK_EQ(machine_red_zone_after[i], 0x5a))
            return;
    }
}

TEST(stubs, note_place_and_time_and_preserve_all_registers) {
    struct bs_stubs stubs;
    struct bs_record records[BS_REGISTERS];
    if (!have_vectors())
        SKIP("a processor with AVX");
    for (int number = 0; number < HOLDERS; number++) {
        if (!make(BS_STUBS_RECORD, holders(number), &stubs))
            return;
        memset(records, 0, sizeof(records));
        records[0].action = BS_ACTION_STAMP;
        stubs.control->cursor = records;
        uint64_t start = __builtin_ia32_rdtsc();
        pass_through(&stubs, (uint8_t)(17 * number));
        uint64_t end = __builtin_ia32_rdtsc();
        CHECK(stubs.control->cursor == records + 1);
        CHECK_EQ(records[0].value, held(number));
        CHECK_EQ(records[0].opcode, (uint8_t)(17 * number));
        CHECK_EQ(records[0].action, BS_ACTION_STAMP);
        CHECK(records[0].stamp - (start & ((1ull << 48) - 1)) <= end - start);
        bs_stubs_destroy(&stubs);
    }
}

TEST(stubs, pass_notes_the_place_only) {
    struct bs_stubs stubs;
    if (!have_vectors())
        SKIP("a processor with AVX");
    for (int number = 0; number < HOLDERS; number++) {
        if (!make(BS_STUBS_RECORD, holders(number), &stubs))
            return;
        struct bs_record records[2] = {{.stamp = 4711, .action = BS_ACTION_PASS}};
        stubs.control->cursor = records;
        pass_through(&stubs, 255 - number);
        CHECK(stubs.control->cursor == records + 1);
        CHECK_EQ(records[0].value, held(number));
        CHECK_EQ(records[0].opcode, 255 - number);
        CHECK_EQ(records[0].stamp, 4711);
        bs_stubs_destroy(&stubs);
    }
}

static struct bs_record drained[2];
static int drains;

/* Does what a drain may do: uses vector registers, calls into the C library. */
static void on_drain(struct bs_stub_control *control) {
    drains += control->owner == &drains;
    char text[200];
    snprintf(text, sizeof(text), "%f %s", (double)drains / 3, "0123456789012345678901234567890123");
    memset(drained, 0, strlen(text) ? sizeof(drained) : 0);
    __asm__ volatile("vpcmpeqd %%xmm0, %%xmm0, %%xmm0\n vmovaps %%xmm0, %%xmm9\n"
                     "vmovaps %%xmm0, %%xmm15\n" ::
                         : "xmm0", "xmm9", "xmm15");
    drained[0].action = BS_ACTION_STAMP;
    control->cursor = drained;
}

TEST(stubs, drain_preserves_all_registers) {
    struct bs_stubs stubs;
    if (!have_vectors())
        SKIP("a processor with AVX");
    for (int number = 0; number < HOLDERS; number++) {
        if (!make(BS_STUBS_RECORD, holders(number), &stubs))
            return;
        struct bs_record full = {.action = BS_ACTION_DRAIN};
        stubs.control->cursor = &full;
        stubs.control->drain = on_drain;
        stubs.control->owner = &drains;
        drains = 0;
        pass_through(&stubs, 3 * number);
        CHECK_EQ(drains, 1);
        CHECK(stubs.control->cursor == drained + 1);
        CHECK_EQ(drained[0].value, held(number));
        CHECK_EQ(drained[0].opcode, 3 * number);
        bs_stubs_destroy(&stubs);
    }
}

TEST(stubs, idle_does_nothing) {
    struct bs_stubs stubs;
    if (!have_vectors())
        SKIP("a processor with AVX");
    if (!make(BS_STUBS_RECORD, holders(BS_RDX), &stubs))
        return;
    struct bs_record idle = {.action = BS_ACTION_IDLE}, before = idle;
    stubs.control->cursor = &idle;
    for (int i = 0; i < 256; i++)
        pass_through(&stubs, i);
    CHECK(stubs.control->cursor == &idle);
    CHECK(!memcmp(&idle, &before, sizeof(idle)));
    bs_stubs_destroy(&stubs);
}

static struct bs_register_record noted;

static void note(struct bs_stub_control *control) {
    on_drain(control);
    noted = *control->here;
}

TEST(stubs, registers_are_all_noted) {
    struct bs_stubs stubs;
    if (!have_vectors())
        SKIP("a processor with AVX");
    if (!make(BS_STUBS_REGISTERS, holders(0), &stubs))
        return;
    stubs.control->drain = note;
    for (int i = 0; i < 3; i++) {
        pass_through(&stubs, 100 + i);
        for (int r = 0; r < BS_REGISTERS; r++)
            CHECK_EQ(noted.value[r], machine_before.general[r]);
        CHECK_EQ(noted.entry, 100 + i);
    }
    bs_stubs_destroy(&stubs);
}

static void *pass_on_other_thread(void *stubs) {
    pass_through(stubs, 42);
    return NULL;
}

TEST(stubs, other_threads_go_straight_on) {
    struct bs_stubs stubs;
    pthread_t thread;
    if (!have_vectors())
        SKIP("a processor with AVX");
    for (int kind = BS_STUBS_RECORD; kind <= BS_STUBS_REGISTERS; kind++) {
        if (!make(kind, holders(BS_RDI), &stubs))
            return;
        /* Not to be looked at by another thread. */
        stubs.control->cursor = NULL;
        stubs.control->saved[0] = stubs.control->saved[1] = stubs.control->saved[2] = 12345;
        CHECK_EQ(pthread_create(&thread, NULL, pass_on_other_thread, &stubs), 0);
        pthread_join(thread, NULL);
        CHECK(!stubs.control->cursor);
        CHECK_EQ(stubs.control->saved[0], 12345);
        bs_stubs_destroy(&stubs);
    }
}

/* No mapping is writable and executable, with the stubs in place. */
TEST(stubs, code_is_not_writable) {
    struct bs_stubs stubs;
    char line[512];
    if (!make(BS_STUBS_RECORD, holders(BS_R15), &stubs))
        return;
    FILE *maps = fopen("/proc/self/maps", "r");
    bool found = false;
    while (fgets(line, sizeof(line), maps)) {
        unsigned long start, end;
        char permissions[5];
        if (sscanf(line, "%lx-%lx %4s", &start, &end, permissions) != 3)
            continue;
        CHECK(!(strchr(permissions, 'w') && strchr(permissions, 'x')));
        if ((uintptr_t)stubs.entries[7] >= start && (uintptr_t)stubs.entries[7] < end) {
            found = true;
            CHECK_TEXT(permissions, "r-xp");
        }
    }
    fclose(maps);
    CHECK(found);
    bs_stubs_destroy(&stubs);
}

#endif
