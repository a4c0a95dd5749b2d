#include "agent/walk_record.h"

#include <sys/mman.h>

/* A system call gives two steps, because there is no trap at the instruction that follows it. */
#define STEPS_AT_ONCE 2u

bool bs_recording_init(struct walk_recording *recording, size_t limit) {
    size_t capacity = limit + STEPS_AT_ONCE;
    void *steps = mmap(NULL, capacity * sizeof(struct walk_step), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (steps == MAP_FAILED)
        return false;
    *recording = (struct walk_recording){.steps = steps, .capacity = capacity};
    return true;
}

void bs_recording_deinit(struct walk_recording *recording) {
    if (recording->steps)
        munmap(recording->steps, recording->capacity * sizeof(struct walk_step));
    *recording = (struct walk_recording){};
}

static struct walk_step *append(struct walk_recording *recording, uint64_t pc_addr,
                                uint64_t stack_addr, enum insn_kind kind) {
    struct walk_step *made = &recording->steps[recording->count++];
    *made = (struct walk_step){.pc_addr = pc_addr, .kind = kind, .stack_addr = stack_addr};
    return made;
}

/* What a breakpoint hid is there again, if somebody put it back when it was hit. */
static void look_again(struct walk_recording *recording) {
    struct walk_step *last = recording->count ? &recording->steps[recording->count - 1] : NULL;
    if (last && last->kind == INSN_BREAKPOINT)
        last->kind = bs_insn_kind((const uint8_t *)(uintptr_t)last->pc_addr);
}

/* Whether @p step is the one after a system call, on a system that does trap there. */
static bool is_noted(const struct walk_recording *recording, const struct step *step) {
    if (recording->count < STEPS_AT_ONCE)
        return false;
    const struct walk_step *last = &recording->steps[recording->count - 1];
    return last[-1].kind == INSN_SYSCALL && last->pc_addr == step->pc_addr;
}

bool bs_recording_add(struct walk_recording *recording, const struct step *step,
                      struct walk_step **ret) {
    *ret = NULL;
    look_again(recording);
    if (is_noted(recording, step))
        return true;
    if (recording->count + STEPS_AT_ONCE > recording->capacity) {
        recording->cut = true;
        return false;
    }
    *ret = append(recording, step->pc_addr, step->stack_addr, step->kind);
    if (step->kind == INSN_SYSCALL) {
        uint64_t next_addr = step->pc_addr + INSN_SYSCALL_BYTES;
        (*ret)->word = bs_step_system_call(step);
        append(recording, next_addr, step->stack_addr,
               bs_insn_kind((const uint8_t *)(uintptr_t)next_addr));
    }
    return true;
}
