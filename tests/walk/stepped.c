#ifdef __x86_64__

#include "stepped.h"

#include "check.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FUNCTION static __attribute__((noinline))

/*
 * stepped_exact: 9 instructions of its own. stepped_inner: 4, of which rep stosb is one however
 * often it repeats, and a loop of 2 that is executed 4 times in the first call and 3 in the other.
 */
__asm__(".pushsection .text\n"
        ".globl stepped_exact\n"
        ".type stepped_exact, @function\n"
        "stepped_exact:\n"
        "    push %rbx\n"
        "    sub $64, %rsp\n"
        "    mov $4, %edx\n"
        "    call stepped_inner\n"
        "    mov $3, %edx\n"
        "    call stepped_inner\n"
        "    add $64, %rsp\n"
        "    pop %rbx\n"
        "    ret\n"
        ".size stepped_exact, . - stepped_exact\n"
        ".globl stepped_inner\n"
        ".type stepped_inner, @function\n"
        "stepped_inner:\n"
        "    lea 8(%rsp), %rdi\n"
        "    mov $40, %ecx\n"
        "    rep stosb\n"
        "1:  dec %edx\n"
        "    jnz 1b\n"
        "    ret\n"
        ".size stepped_inner, . - stepped_inner\n"
        ".popsection\n");

volatile int stepped_result;

int stepped_leaf(int n) {
    unsigned int sum = 0;
    for (int i = 0; i < n; i++)
        sum += (unsigned int)(i ^ stepped_result);
    return sum & 0xff;
}

static int compare(const void *a, const void *b) {
    return *(const int *)a - *(const int *)b;
}

FUNCTION void stepped_library(void *arg) {
    int numbers[] = {5, 2, 9, 1, 7, 3};
    static char text[64] __attribute__((aligned(64))); /* strlen() looks where pages end */
    qsort(numbers, 6, sizeof(*numbers), compare);
    snprintf(text, sizeof(text), "%d %s %.2f", numbers[0], "text", 1.5);
    stepped_result = (int)strlen(text) + stepped_leaf(10);
    memmove(text + 1, text, 40);
    stepped_result += stepped_leaf(2);
}

static jmp_buf jump_buffer;

FUNCTION void stepped_jumper(int depth) {
    if (stepped_result == depth)
        longjmp(jump_buffer, 1);
    if (depth > 0)
        stepped_jumper(depth - 1);
    stepped_result = -1;
}

FUNCTION void stepped_longjmp(void *arg) {
    stepped_result = 0;
    if (!setjmp(jump_buffer))
        stepped_jumper(5);
    stepped_result = stepped_leaf(3);
}

FUNCTION void stepped_system_calls(void *arg) {
    struct timespec time = {};
    stepped_result = getppid() + getppid();
    nanosleep(&time, NULL);
    stepped_result += stepped_leaf(2);
}

/* The flags go to the stack and back: the trap flag must not be seen in them, nor get lost. */
FUNCTION void stepped_flags(void *arg) {
    uint64_t flags = 0;
    __asm__ volatile("sub $128, %%rsp\n pushfq\n pop %0\n push $0x202\n popfq\n nop\n"
                     "add $128, %%rsp"
                     : "=r"(flags)
                     :
                     : "cc", "memory");
    stepped_result = (flags >> 8 & 1) ? -1 : stepped_leaf(4);
}

FUNCTION void stepped_mask(void *arg) {
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    stepped_result = stepped_leaf(3);
    sigprocmask(SIG_SETMASK, &before, NULL);
    stepped_result = stepped_leaf(3);
}

FUNCTION void stepped_bad_mask(void *arg) {
    uint64_t before;
    long result = syscall(SYS_rt_sigprocmask, SIG_BLOCK, 8, &before, sizeof(before));
    stepped_result = result == -1 && errno == EFAULT ? stepped_leaf(3) : -1;
}

static void on_trap(int number) {
    stepped_result = -1;
}

FUNCTION void stepped_handler(void *arg) {
    struct sigaction action = {.sa_handler = on_trap}, before;
    sigaction(SIGTRAP, &action, &before);
    sigaction(SIGTRAP, &before, NULL);
    if (stepped_result != -1)
        stepped_result = stepped_leaf(3);
}

static volatile sig_atomic_t alarms;

static void on_signal(int number) {
    alarms = alarms + stepped_leaf(1) + 1;
}

FUNCTION void stepped_signal(void *arg) {
    struct sigaction action = {.sa_handler = on_signal}, before;
    sigaction(SIGUSR1, &action, &before);
    alarms = 0;
    raise(SIGUSR1);
    sigaction(SIGUSR1, &before, NULL);
    stepped_result = alarms ? stepped_leaf(3) : -1;
}

static void *thread_main(void *arg) {
    stepped_result = stepped_leaf(100000);
    return NULL;
}

FUNCTION void stepped_thread(void *arg) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, thread_main, NULL))
        abort();
    pthread_join(thread, NULL);
    stepped_result = stepped_leaf(3);
}

FUNCTION void stepped_fork(void *arg) {
    int status;
    pid_t child = fork();
    if (!child)
        _exit(stepped_leaf(0) + 7);
    waitpid(child, &status, 0);
    stepped_result = WIFEXITED(status) && WEXITSTATUS(status) == 7 ? stepped_leaf(3) : -1;
}

FUNCTION void stepped_spawn(void *arg) {
    char *const args[] = {(char *)"true", NULL};
    pid_t child;
    int status = -1;
    if (!posix_spawn(&child, "/bin/true", NULL, NULL, args, NULL))
        waitpid(child, &status, 0);
    stepped_result = status == 0 ? stepped_leaf(3) : -1;
}

/* Whether there is the page of vsyscalls, which can be executed and not read. */
static bool has_vsyscalls(void) {
    char line[512];
    bool found = false;
    FILE *maps = fopen("/proc/self/maps", "re");
    while (maps && fgets(line, sizeof(line), maps))
        found |= strstr(line, "[vsyscall]") != NULL;
    if (maps)
        fclose(maps);
    return found;
}

FUNCTION void stepped_vsyscall(void *arg) {
    static time_t (*const vsyscall_time)(time_t *) = (time_t(*)(time_t *))0xffffffffff600400;
    static int there = -1;
    if (there < 0)
        there = has_vsyscalls();
    time_t now = there ? vsyscall_time(NULL) : time(NULL);
    stepped_result = now > 1700000000 ? stepped_leaf(3) : -1;
}

#define STRING(instruction, size, value)                                                           \
    do {                                                                                           \
        const void *source = from;                                                                 \
        void *target = to;                                                                         \
        size_t count = STEPPED_BYTES / (size);                                                     \
        from[STEPPED_BYTES - 1] = (value);                                                         \
        __asm__ volatile("rep " instruction                                                        \
                         : "+D"(target), "+S"(source), "+c"(count)                                 \
                         : "a"(0x0101010101010101 * (value))                                       \
                         : "memory");                                                              \
        wrong |= to[STEPPED_BYTES - 1] ^ (value);                                                  \
    } while (0)

void stepped_strings(void *arg) {
    static char from[STEPPED_BYTES], to[STEPPED_BYTES];
    int wrong = 0;
    STRING("movsb", 1, 1);
    STRING("movsl", 4, 2);
    STRING("movsq", 8, 3);
    STRING("stosb", 1, 4);
    STRING("stosl", 4, 5);
    STRING("stosq", 8, 6);
    stepped_result = wrong ? -1 : stepped_leaf(3);
}

const struct stepped stepped_functions[] = {
    {"stepped_exact", stepped_exact, true},
    {"stepped_library", stepped_library, true},
    {"stepped_longjmp", stepped_longjmp, true},
    {"stepped_system_calls", stepped_system_calls, true},
    {"stepped_flags", stepped_flags, false},
    {"stepped_mask", stepped_mask, true},
    {"stepped_bad_mask", stepped_bad_mask, true},
    {"stepped_handler", stepped_handler, false},
    {"stepped_signal", stepped_signal, false},
    {"stepped_thread", stepped_thread, false},
    {"stepped_fork", stepped_fork, false},
    {"stepped_spawn", stepped_spawn, false},
    {"stepped_vsyscall", stepped_vsyscall, false},
    {"stepped_strings", stepped_strings, true},
    {},
};

static bool note(void *recording, const struct step *step) {
    struct walk_step *noted;
    return bs_recording_add(recording, step, &noted);
}

bool step_and_grow(void (*run)(void *), size_t limit, struct walk_forest *ret) {
    struct walk_recording recording;
    if (!CHECK(bs_recording_init(&recording, limit)))
        return false;
    const char *problem = bs_step_run(run, NULL, note, &recording);
    struct walk_functions functions = bs_walk_functions_open();
    bool grown = CHECK(!problem) && CHECK(bs_forest_grow(&recording, &functions, ret));
    bs_walk_functions_close(&functions);
    bs_recording_deinit(&recording);
    return grown;
}

static void be_stepped(void (*run)(void *)) {
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    raise(SIGSTOP);
    run(NULL);
    _exit(0);
}

static uint64_t pc_of(pid_t pid, uint64_t *ret_stack_addr) {
    struct user_regs_struct registers = {};
    ptrace(PTRACE_GETREGS, pid, NULL, &registers);
    *ret_stack_addr = registers.rsp;
    return registers.rip;
}

/* The name of the function around @p pc_addr, in this process, of which the other is a copy. */
static bool is_in(uint64_t pc_addr, const char *name) {
    Dl_info info;
    return dladdr((void *)(uintptr_t)pc_addr, &info) && info.dli_sname &&
           !strcmp(info.dli_sname, name);
}

bool count_by_ptrace(void (*run)(void *), const char *own, uint64_t *ret_total, uint64_t *ret_own) {
    int status, signal = 0;
    uint64_t pc_addr, stack_addr, return_slot = 0, last_addr = 0;
    pid_t pid = fork();
    if (!pid)
        be_stepped(run);
    *ret_total = *ret_own = 0;
    if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
        return false;
    while (!ptrace(PTRACE_SINGLESTEP, pid, NULL, (void *)(intptr_t)signal) &&
           waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status)) {
        signal = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
        pc_addr = pc_of(pid, &stack_addr);
        if (pc_addr == (uint64_t)(uintptr_t)run)
            return_slot = stack_addr;
        if (!return_slot)
            continue;
        if (stack_addr > return_slot)
            break;
        if (pc_addr != last_addr ||
            bs_insn_kind((const uint8_t *)(uintptr_t)pc_addr) != INSN_REPEAT) {
            (*ret_total)++;
            *ret_own += is_in(pc_addr, own);
        }
        last_addr = pc_addr;
    }
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    return return_slot;
}

#endif
