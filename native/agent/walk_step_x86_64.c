#ifdef __x86_64__

#include "agent/syscalls.h"
#include "agent/walk_repeat.h"
#include "agent/walk_step.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>

#define TRAP_FLAG 0x100u
#define USER_END  (1ull << 47)
/* A signal frame with AVX-512 and AMX state is some 11 kB. */
#define SIGNAL_STACK_BYTES (128u << 10)
/* What the kernel takes for a signal set: bits, not glibc's 128 bytes. */
#define KERNEL_SET_BYTES 8
#define TRAP_BIT         (1ull << (SIGTRAP - 1))
/* Of linux/sched.h, from 5.5 on. */
#define CLEAR_HANDLERS 0x100000000ull

static struct {
    step_fn *seen;
    void *seen_arg;
    void *thread;               /* thread pointer of the thread that is stepped */
    pid_t tid;                  /* and its number */
    bool may_be_child;          /* a system call was seen after which two may run here */
    enum insn_kind kind;        /* of the instruction before */
    struct repeat repeat;       /* under way, unstepped */
    struct sigaction before;    /* the handler that was there */
    _Atomic bool running, done; /* done: the end was reached, or `seen` had enough */
} stepper;

/*
 * bs_step_enter(call, arg): set the trap flag and call. The first trap comes after the call
 * instruction, so at the first instruction of `call`; the last one at bs_step_end, where the
 * handler clears the flag.
 */
extern void bs_step_enter(void (*call)(void *), void *arg) __attribute__((visibility("hidden")));
extern const char bs_step_end[] __attribute__((visibility("hidden")));
__asm__(".pushsection .text\n"
        ".hidden bs_step_enter\n"
        ".type bs_step_enter, @function\n"
        "bs_step_enter:\n"
        "    endbr64\n"
        "    push %rbp\n"
        "    mov %rsp, %rbp\n"
        "    mov %rdi, %rax\n"
        "    mov %rsi, %rdi\n"
        "    pushfq\n"
        "    orq $0x100, (%rsp)\n"
        "    popfq\n"
        "    call *%rax\n"
        ".hidden bs_step_end\n"
        "bs_step_end:\n"
        "    pop %rbp\n"
        "    ret\n"
        ".size bs_step_enter, . - bs_step_enter\n"
        ".popsection\n");

static const uint8_t register_of[] = {
    REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
    REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
};

static const greg_t *registers_of(const struct step *step) {
    return ((const ucontext_t *)step->context)->uc_mcontext.gregs;
}

const char *bs_step_unsupported(void) {
    return NULL;
}

uint64_t bs_step_register(const struct step *step, int index) {
    return (uint64_t)registers_of(step)[register_of[index]];
}

uint64_t bs_step_system_call(const struct step *step) {
    return (uint64_t)registers_of(step)[REG_RAX];
}

/*
 * The system call that the stepped code is at was made for it: go on behind it.
 */
static void pass_over(greg_t *registers, long result) {
    registers[REG_RAX] = result;
    registers[REG_RIP] += INSN_SYSCALL_BYTES;
    registers[REG_RCX] = registers[REG_RIP];
    registers[REG_R11] = registers[REG_EFL] & ~(greg_t)TRAP_FLAG;
}

/*
 * rt_sigprocmask, made here: a trap while SIGTRAP is blocked kills the process, and glibc blocks
 * everything to start a thread or a process. What the caller asks for happens to the mask that the
 * interrupted code has, but for SIGTRAP; the kernel checks and copies the caller's sets.
 */
static void change_mask(ucontext_t *context) {
    greg_t *registers = context->uc_mcontext.gregs;
    uint64_t here, mask;
    memcpy(&mask, &context->uc_sigmask, sizeof(mask));
    bs_sys(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, (long)&here, KERNEL_SET_BYTES);
    long result = bs_sys(SYS_rt_sigprocmask, registers[REG_RDI], registers[REG_RSI],
                         registers[REG_RDX], registers[REG_R10]);
    bs_sys(SYS_rt_sigprocmask, SIG_SETMASK, (long)&here, (long)&mask, KERNEL_SET_BYTES);
    mask &= ~TRAP_BIT;
    memcpy(&context->uc_sigmask, &mask, sizeof(mask));
    pass_over(registers, result);
}

/* rt_sigaction of SIGTRAP: it is told what is there, and keeps being so. */
static void keep_handler(greg_t *registers) {
    pass_over(registers,
              bs_sys(SYS_rt_sigaction, SIGTRAP, 0, registers[REG_RDX], registers[REG_R10]));
}

/*
 * A child inherits the trap flag, and without our handler would die of its first trap. In
 * posix_spawn(), where glibc from 2.38 on asks for that, the program that it becomes has none
 * anyway.
 */
static void keep_handlers(uint64_t *clone3_flags) {
    if (clone3_flags) /* NULL: a program that asks whether there is such a call */
        *clone3_flags &= ~CLEAR_HANDLERS;
}

static void before_system_call(ucontext_t *context) {
    greg_t *registers = context->uc_mcontext.gregs;
    switch (registers[REG_RAX]) {
    case SYS_rt_sigprocmask:
        change_mask(context);
        break;
    case SYS_rt_sigaction:
        if (registers[REG_RDI] == SIGTRAP)
            keep_handler(registers);
        break;
    case SYS_clone3:
        keep_handlers((uint64_t *)registers[REG_RDI]);
        stepper.may_be_child = true;
        break;
    case SYS_clone:
    case SYS_fork:
    case SYS_vfork:
        stepper.may_be_child = true;
        break;
    default:
        break;
    }
}

/* Whether this is the thread that is stepped, and not one that inherited its flags. */
static bool is_stepped_thread(void) {
    return stepper.running && __builtin_thread_pointer() == stepper.thread &&
           (!stepper.may_be_child || bs_sys(SYS_gettid, 0, 0, 0, 0) == stepper.tid);
}

/* A string instruction is about to run: it does so in our place. */
static void begin_repeat(greg_t *registers) {
    if (bs_repeat_find((const uint8_t *)registers[REG_RIP], &stepper.repeat))
        registers[REG_RIP] = (greg_t)stepper.repeat.our_addr;
}

/* Whether a trap is the breakpoint behind it: the stepped code goes on behind its own. */
static bool end_repeat(greg_t *registers) {
    const struct repeat *repeat = &stepper.repeat;
    const uint64_t trapped_addr = repeat->our_addr + repeat->length_bytes + 1;
    if (!repeat->our_addr || (uint64_t)registers[REG_RIP] != trapped_addr)
        return false;
    const uint64_t next_addr = repeat->their_addr + repeat->length_bytes;
    registers[REG_RIP] = (greg_t)next_addr;
    stepper.repeat = (struct repeat){};
    return true;
}

uint64_t bs_step_place(uint64_t pc_addr) {
    const struct repeat *repeat = &stepper.repeat;
    return repeat->our_addr && pc_addr == repeat->our_addr ? repeat->their_addr : pc_addr;
}

/* One step; false when there shall be no more. */
static bool take_step(ucontext_t *context) {
    greg_t *registers = context->uc_mcontext.gregs;
    struct step step = {
        .pc_addr = (uint64_t)registers[REG_RIP],
        .stack_addr = (uint64_t)registers[REG_RSP],
        .context = context,
    };
    if (stepper.kind == INSN_PUSH_FLAGS)
        *(uint64_t *)step.stack_addr &= ~(uint64_t)TRAP_FLAG;
    if (step.pc_addr == (uint64_t)bs_step_end)
        return false;
    /* The page of vsyscalls can be executed, and not read. */
    step.kind = step.pc_addr < USER_END ? bs_insn_kind((const uint8_t *)step.pc_addr) : INSN_OTHER;
    stepper.kind = step.kind;
    if (!stepper.seen(stepper.seen_arg, &step))
        return false;
    if (step.kind == INSN_SYSCALL)
        before_system_call(context);
    if (step.kind == INSN_REPEAT)
        begin_repeat(registers);
    return true;
}

/* Where nobody handles it the process dies of it when ours, which blocks it, returns. */
static void pass_on(int number, siginfo_t *info, void *context) {
    if (stepper.before.sa_flags & SA_SIGINFO) {
        stepper.before.sa_sigaction(number, info, context);
    } else if (stepper.before.sa_handler != SIG_DFL && stepper.before.sa_handler != SIG_IGN) {
        stepper.before.sa_handler(number);
    } else {
        bs_sys_default(number);
        bs_sys_raise(number);
    }
}

/*
 * Whether a trap is of a step. Where the debug status register did not say what it was, as virtual
 * machines have let it, Linux has TRAP_BRKPT for what is else TRAP_TRACE (get_si_code() in
 * arch/x86/include/asm/traps.h, 6.1); a breakpoint instruction is SI_KERNEL.
 */
static bool is_of_a_step(const siginfo_t *info, greg_t flags) {
    return info->si_code == TRAP_TRACE || (info->si_code == TRAP_BRKPT && (flags & TRAP_FLAG));
}

static void on_trap(int number, siginfo_t *info, void *context_pointer) {
    ucontext_t *context = context_pointer;
    greg_t *registers = context->uc_mcontext.gregs, *flags = &registers[REG_EFL];
    int saved_errno = errno;
    if (!end_repeat(registers) && !is_of_a_step(info, *flags)) {
        pass_on(number, info, context);
    } else if (!is_stepped_thread()) {
        *flags &= ~(greg_t)TRAP_FLAG;
    } else if (!stepper.done && take_step(context)) {
        *flags = stepper.repeat.our_addr ? *flags & ~(greg_t)TRAP_FLAG : *flags | TRAP_FLAG;
    } else {
        stepper.done = true;
        *flags &= ~(greg_t)TRAP_FLAG;
    }
    errno = saved_errno;
}

/* Everything that must be undone, in order. */
struct surroundings {
    stack_t stack;
    sigset_t mask;
    void *memory;
};

static const char *surround(struct surroundings *ret) {
    ret->memory =
        mmap(NULL, SIGNAL_STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (ret->memory == MAP_FAILED)
        return "there is no memory for a signal stack";
    stack_t stack = {.ss_sp = ret->memory, .ss_size = SIGNAL_STACK_BYTES};
    sigaltstack(&stack, &ret->stack);

    struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigfillset(&action.sa_mask);
    sigaction(SIGTRAP, &action, &stepper.before);

    sigset_t trap;
    sigemptyset(&trap);
    sigaddset(&trap, SIGTRAP);
    pthread_sigmask(SIG_UNBLOCK, &trap, &ret->mask);
    return NULL;
}

static void restore(const struct surroundings *surroundings) {
    stack_t stack;
    pthread_sigmask(SIG_SETMASK, &surroundings->mask, NULL);
    sigaction(SIGTRAP, &stepper.before, NULL);
    sigaltstack(NULL, &stack);
    if (stack.ss_sp == surroundings->memory)
        sigaltstack(&surroundings->stack, NULL);
    munmap(surroundings->memory, SIGNAL_STACK_BYTES);
}

static void run(void (*call)(void *), void *call_arg, step_fn *seen, void *seen_arg) {
    stepper.seen = seen;
    stepper.seen_arg = seen_arg;
    stepper.thread = __builtin_thread_pointer();
    stepper.tid = bs_sys_gettid();
    stepper.may_be_child = false;
    stepper.kind = INSN_OTHER;
    stepper.repeat = (struct repeat){};
    stepper.done = false;
    stepper.running = true;
    bs_step_enter(call, call_arg);
    stepper.running = false;
}

static void nothing(void *arg) {
    (void)arg;
}

static bool note_step(void *stepped, const struct step *step) {
    (void)step;
    *(bool *)stepped = true;
    return false;
}

const char *bs_step_run(void (*call)(void *), void *call_arg, step_fn *seen, void *seen_arg) {
    struct surroundings surroundings;
    bool stepped = false;
    const char *problem = surround(&surroundings);
    if (problem)
        return problem;
    run(nothing, NULL, note_step, &stepped);
    if (stepped)
        run(call, call_arg, seen, seen_arg);
    restore(&surroundings);
    return stepped ? NULL : "the processor does not single-step here, as under Valgrind";
}

#endif
