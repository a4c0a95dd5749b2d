#ifdef __x86_64__

#include "agent/probe/emit_x86_64.h"
#include "agent/probe/maps.h"
#include "agent/probe/stubs.h"

#include <cpuid.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>

/*
 * Registers are saved in memory and never on the stack: a handler may use the 128 bytes below its
 * stack pointer (the red zone of the psABI for x86-64, section 3.2.2). Only the traced thread comes
 * as far as saving anything.
 *
 * Flags are not saved. They are dead wherever the interpreter jumps through its table: at a tail
 * call by the psABI, and at a computed goto because no compiler keeps flags alive into a block
 * whose address is taken. tests/probe/flags_test.c looks at the handlers of each interpreter.
 */

#define PAGE_BYTES   4096ul
#define STUB_BYTES   256 /* each; a multiple of the cache line */
#define SHARED_BYTES 512 /* the routine that calls drain() */
#define RED_ZONE     128

/* Byte offsets into struct bs_record. */
#define RECORD_STAMP_LOW  0
#define RECORD_STAMP_HIGH 4
#define RECORD_ACTION     7
#define RECORD_VALUE      8
#define RECORD_OPCODE     15

/* %fs:0 holds the thread pointer itself (psABI, thread-local storage, variant II). */
#define FS_SELF 0

/* Intel SDM volume 1, 13.4: the legacy region, then the header of an XSAVE area. */
#define LEGACY_BYTES 512
#define HEADER_BYTES 64
#define STATE_ALIGN  64

const char *bs_stubs_unsupported(void) {
    return NULL;
}

const char *bs_stubs_register_name(int index) {
    static const char *const names[BS_REGISTERS] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp",
                                                    "rsi", "rdi", "r8",  "r9",  "r10", "r11",
                                                    "r12", "r13", "r14", "r15"};
    return index >= 0 && index < BS_REGISTERS ? names[index] : "?";
}

/* With a frame pointer, all that is the function's own lies below it. */
const struct bs_frame_base bs_stubs_frame_bases[BS_FRAME_BASES] = {{BS_RSP, 0},
                                                                   {BS_RBP, -8 * BS_FRAME_WORDS}};

struct maker {
    struct bs_emitter e;
    struct bs_stub_control *control;
    uintptr_t thread;
    const uint8_t *drain;     /* the shared routine */
    struct bs_holder holder;  /* RECORD: what is noted */
    enum bs_register pointer; /* RECORD: holds the address of the record, not that of `holder` */
};

/* Straight on to @p handler unless this is the traced thread. */
static void emit_thread_filter(struct maker *m, const void *handler) {
    bs_emit_compare_fs(&m->e, FS_SELF, (uint32_t)m->thread);
    bs_emit_jump_if(&m->e, BS_IF_NOT_EQUAL, handler);
    bs_emit_compare_fs(&m->e, FS_SELF + 4, (uint32_t)(m->thread >> 32));
    bs_emit_jump_if(&m->e, BS_IF_NOT_EQUAL, handler);
}

static void emit_place(struct maker *m, uint8_t opcode) {
    struct bs_emitter *e = &m->e;
    const struct bs_holder *holder = &m->holder;
    if (holder->in_memory) {
        bs_emit_store_mem(e, &m->control->saved[1], BS_RAX);
        bs_emit_load(e, BS_RAX, holder->index, holder->displacement_bytes);
        bs_emit_store(e, m->pointer, RECORD_VALUE, BS_RAX);
        bs_emit_load_mem(e, BS_RAX, &m->control->saved[1]);
    } else {
        bs_emit_store(e, m->pointer, RECORD_VALUE, holder->index);
    }
    bs_emit_store_byte(e, m->pointer, RECORD_OPCODE, opcode);
}

/* %rax and %rdx are saved, and the place is noted: either may be where it is noted from. */
static void emit_stamp(struct maker *m) {
    struct bs_emitter *e = &m->e;
    bs_emit_store_mem(e, &m->control->saved[1], BS_RAX);
    bs_emit_store_mem(e, &m->control->saved[2], BS_RDX);
    bs_emit_rdtsc(e);
    bs_emit_store_32(e, m->pointer, RECORD_STAMP_LOW, BS_RAX);
    bs_emit_store_16(e, m->pointer, RECORD_STAMP_HIGH, BS_RDX);
    bs_emit_load_mem(e, BS_RAX, &m->control->saved[1]);
    bs_emit_load_mem(e, BS_RDX, &m->control->saved[2]);
}

/* On to the next record, and to the handler. */
static void emit_advance(struct maker *m, const void *handler) {
    struct bs_emitter *e = &m->e;
    bs_emit_lea(e, m->pointer, m->pointer, sizeof(struct bs_record));
    bs_emit_store_mem(e, &m->control->cursor, m->pointer);
    bs_emit_load_mem(e, m->pointer, &m->control->saved[0]);
    bs_emit_jump(e, handler);
}

static void emit_drain_call(struct maker *m, uint32_t entry) {
    bs_emit_lea(&m->e, BS_RSP, BS_RSP, -RED_ZONE);
    bs_emit_push_value(&m->e, (int32_t)entry);
    bs_emit_call(&m->e, m->drain);
    bs_emit_lea(&m->e, BS_RSP, BS_RSP, RED_ZONE + 8);
}

static void emit_record_stub(struct maker *m, uint8_t opcode, const void *handler) {
    struct bs_emitter *e = &m->e;
    emit_thread_filter(m, handler);
    const uint8_t *again = e->at;
    bs_emit_store_mem(e, &m->control->saved[0], m->pointer);
    bs_emit_load_mem(e, m->pointer, &m->control->cursor);
    bs_emit_compare_byte(e, m->pointer, RECORD_ACTION, BS_ACTION_STAMP);
    uint8_t *other = bs_emit_jump_ahead_if(e, BS_IF_NOT_EQUAL);

    emit_place(m, opcode);
    emit_stamp(m);
    emit_advance(m, handler);

    bs_emit_land(e, other);
    uint8_t *no_pass = bs_emit_jump_ahead_if(e, BS_IF_ABOVE);
    emit_place(m, opcode);
    emit_advance(m, handler);

    bs_emit_land(e, no_pass);
    bs_emit_compare_byte(e, m->pointer, RECORD_ACTION, BS_ACTION_IDLE);
    bs_emit_load_mem(e, m->pointer, &m->control->saved[0]);
    bs_emit_jump_if(e, BS_IF_EQUAL, handler);
    emit_drain_call(m, opcode);
    bs_emit_jump(e, again);
}

static void emit_register_stub(struct maker *m, uint32_t entry, const void *handler) {
    emit_thread_filter(m, handler);
    emit_drain_call(m, entry);
    bs_emit_jump(&m->e, handler);
}

/* Bytes that hold all vector and floating-point state that the system uses; 0: no XSAVE. */
static uint32_t state_bytes(void) {
    unsigned int eax, ebx, ecx, edx;
    /* SDM volume 1, 13.2: CPUID 1, ECX bit 27 (OSXSAVE); leaf 0Dh, EBX: what XCR0 asks for. */
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & (1u << 27)) ||
        !__get_cpuid_count(0x0d, 0, &eax, &ebx, &ecx, &edx))
        return 0;
    return (ebx + STATE_ALIGN - 1) & ~(STATE_ALIGN - 1u);
}

/* All state components: %edx:%eax selects them. */
static void emit_select_all(struct bs_emitter *e) {
    bs_emit_move_value(e, BS_RAX, -1);
    bs_emit_move_value(e, BS_RDX, -1);
}

/* Vector and floating-point registers to the stack; XRSTOR wants the header's unused part zero. */
static void emit_save_state(struct bs_emitter *e, uint32_t bytes) {
    bs_emit_and_8(e, BS_RSP, -STATE_ALIGN);
    if (!bytes) {
        bs_emit_lea(e, BS_RSP, BS_RSP, -LEGACY_BYTES);
        bs_emit_fxsave(e, BS_RSP);
        return;
    }
    bs_emit_lea(e, BS_RSP, BS_RSP, -(int32_t)bytes);
    for (int32_t at = LEGACY_BYTES; at < LEGACY_BYTES + HEADER_BYTES; at += 8)
        bs_emit_store_value(e, BS_RSP, at, 0);
    emit_select_all(e);
    bs_emit_xsave(e, BS_RSP);
}

static void emit_restore_state(struct bs_emitter *e, uint32_t bytes) {
    if (!bytes) {
        bs_emit_fxrstor(e, BS_RSP);
        return;
    }
    emit_select_all(e);
    bs_emit_xrstor(e, BS_RSP);
}

/* Registers to the stack, as struct bs_register_record has them; %rbx points to it. */
static void emit_push_all(struct bs_emitter *e) {
    for (int r = BS_REGISTERS; r-- > 0;)
        bs_emit_push(e, r);
    bs_emit_move(e, BS_RBX, BS_RSP);
    bs_emit_lea(e, BS_RAX, BS_RBX, sizeof(struct bs_register_record) + RED_ZONE);
    bs_emit_store(e, BS_RBX, BS_RSP * 8, BS_RAX);
}

static void emit_pop_all(struct bs_emitter *e) {
    bs_emit_move(e, BS_RSP, BS_RBX);
    for (int r = 0; r < BS_REGISTERS; r++) {
        if (r == BS_RSP)
            bs_emit_lea(e, BS_RSP, BS_RSP, 8);
        else
            bs_emit_pop(e, r);
    }
}

/*
 * The routine that stubs call when it is time to drain, with the number of their entry on the
 * stack: save every register, call control->drain(control) on an aligned stack, restore.
 */
static void emit_drain_routine(struct maker *m) {
    struct bs_emitter *e = &m->e;
    const uint32_t bytes = state_bytes();
    m->drain = e->at;
    emit_push_all(e);
    bs_emit_store_mem(e, &m->control->here, BS_RBX);
    emit_save_state(e, bytes);
    bs_emit_lea_mem(e, BS_RDI, m->control);
    bs_emit_call_mem(e, &m->control->drain);
    emit_restore_state(e, bytes);
    emit_pop_all(e);
    bs_emit_return(e);
}

static int emit_all(struct maker *m, const struct bs_table *table, enum bs_stub_kind kind,
                    void **ret_entries) {
    uint8_t *const start = m->e.at;
    m->e.end = start + SHARED_BYTES;
    emit_drain_routine(m);
    for (uint32_t i = 0; i < table->count && !m->e.failed; i++) {
        m->e.at = start + SHARED_BYTES + i * STUB_BYTES;
        m->e.end = m->e.at + STUB_BYTES;
        ret_entries[i] = m->e.at;
        if (kind == BS_STUBS_RECORD)
            emit_record_stub(m, (uint8_t)i, table->handlers[i]);
        else
            emit_register_stub(m, i, table->handlers[i]);
    }
    return m->e.failed ? ERANGE : 0;
}

/* One page that is read and written, then pages of code. */
static int make_mapping(const struct bs_table *table, size_t code_bytes, struct bs_stubs *stubs) {
    struct bs_maps maps;
    int error = bs_maps_read(&maps);
    if (error)
        return error;
    stubs->mapping_bytes = PAGE_BYTES + code_bytes;
    stubs->mapping =
        bs_maps_allocate_near(&maps, table->low_addr, table->high_addr, stubs->mapping_bytes);
    bs_maps_deinit(&maps);
    stubs->entries = calloc(table->count, sizeof(*stubs->entries));
    stubs->control = stubs->mapping;
    return stubs->mapping && stubs->entries ? 0 : ENOMEM;
}

int bs_stubs_create(const struct bs_table *table, enum bs_stub_kind kind,
                    const struct bs_holder *holder, struct bs_stubs *ret) {
    const size_t code_bytes = SHARED_BYTES + (size_t)table->count * STUB_BYTES;
    struct bs_stubs stubs = {};
    int error = make_mapping(table, code_bytes, &stubs);
    if (!error) {
        uint8_t *code = (uint8_t *)stubs.mapping + PAGE_BYTES;
        struct maker maker = {.e = {.at = code},
                              .control = stubs.control,
                              .thread = (uintptr_t)__builtin_thread_pointer(),
                              .holder = holder ? *holder : (struct bs_holder){},
                              .pointer = holder && holder->index == BS_RCX ? BS_RSI : BS_RCX};
        error = emit_all(&maker, table, kind, stubs.entries);
        if (!error && mprotect(code, code_bytes, PROT_READ | PROT_EXEC))
            error = errno;
    }
    if (error)
        bs_stubs_destroy(&stubs);
    else
        *ret = stubs;
    return error;
}

void bs_stubs_destroy(struct bs_stubs *stubs) {
    if (stubs->mapping)
        munmap(stubs->mapping, stubs->mapping_bytes);
    free(stubs->entries);
    *stubs = (struct bs_stubs){};
}

#endif
