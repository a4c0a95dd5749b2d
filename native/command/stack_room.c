#include "command/stack_room.h"

#include "command/process.h"

#include <string.h>

/* Measured: loading the agent takes between 8 and 13 KB, and a short CALL up to 32 KB (3.13, which
   has 16 KB of file names on the stack where a module lacks an attribute). */
#define NEEDED_BYTES (40u << 10)

/* What a signal handler returns to, rt_sigreturn(2); and how far above the stack pointer that the
   handler began with the kernel has put a ucontext (Linux, arch/ARCH/kernel/signal.c). */
#if defined(__x86_64__)
static const unsigned char trampoline[] = {0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05};
#define UCONTEXT_OFFSET 0
#elif defined(__aarch64__)
static const unsigned char trampoline[] = {0x68, 0x11, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4};
#define UCONTEXT_OFFSET 128
#endif

/* In it the stack for handlers that the thread had then: sigaltstack(2)'s stack_t. */
#define STACK_OFFSET 16
struct alternate {
    uint64_t start_addr, flags, size;
};

/*
 * Lower *@p room to what there is below @p addr on the alternate stack of a handler, if it is on
 * it: one whose frame is @p handler, and that returns to @p pc_addr if it is one.
 */
static struct bs_error *look_at_handler(const struct bs_target *target,
                                        const struct bs_native_frame *handler, uint64_t pc_addr,
                                        uint64_t addr, uint64_t *room) {
    unsigned char code[sizeof(trampoline)];
    struct alternate stack = {};
    struct bs_error *error = bs_read_bytes(target, pc_addr, "code", code, sizeof(code));
    if (error || memcmp(code, trampoline, sizeof(code)) != 0)
        return error;
    error = bs_read_bytes(target, handler->cfa_addr + UCONTEXT_OFFSET + STACK_OFFSET,
                          "the frame of a signal", &stack, sizeof(stack));
    if (!error && addr - stack.start_addr < stack.size && addr - stack.start_addr < *room)
        *room = addr - stack.start_addr;
    return error;
}

struct bs_error *bs_stack_room_check(const struct bs_inferior *inferior, int tid,
                                     const struct bs_native_frame *natives, size_t count) {
    const struct bs_target *target = &inferior->host->target;
    struct bs_error *error = NULL;
    if (inferior->state.kind != BS_HOST_LIVE || !count || !natives[0].cfa_addr)
        return NULL;
    const uint64_t addr = natives[0].cfa_addr;
    const uint64_t mapped = bs_process_stack_room(inferior->state.pid, addr);
    uint64_t room = mapped;
    for (size_t i = 1; i < count && !error; i++) {
        if (natives[i - 1].cfa_addr)
            error = bs_error_forgive(
                look_at_handler(target, &natives[i - 1], natives[i].pc_addr, addr, &room));
    }
    if (error || room >= NEEDED_BYTES)
        return error;
    return bs_error_create(
        BS_ERROR_STATE,
        "thread %d is on %s that has %zu KB left, and a call needs %u: let it go "
        "on until it is on another one, or give it more",
        tid, room < mapped ? "the stack of a signal handler" : "a stack", (size_t)(room >> 10),
        NEEDED_BYTES >> 10);
}
