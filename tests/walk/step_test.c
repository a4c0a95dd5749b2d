/* Stepping functions whose instructions are known, or are counted in another way. */
#ifdef __x86_64__

#include "check.h"
#include "stepped.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define LIMIT      1000000
#define PAGE_BYTES 4096

static bool is_function(const struct walk_node *node, const char *name) {
    Dl_info info;
    return node->kind != BS_CALL_SYSTEM && dladdr((void *)(uintptr_t)node->function_addr, &info) &&
           info.dli_sname && !strcmp(info.dli_sname, name);
}

/* How often @p name was entered, and what it executed itself. */
static unsigned int entered(const struct walk_forest *forest, const char *name, uint64_t *ret_own) {
    unsigned int count = 0;
    *ret_own = 0;
    for (size_t i = 0; i < forest->count; i++) {
        if (!is_function(&forest->nodes[i], name))
            continue;
        *ret_own += forest->nodes[i].instructions;
        count++;
    }
    return count;
}

static void run_exact(void *arg) {
    stepped_exact(arg);
}

TEST(step, counts_are_exact) {
    struct walk_forest forest;
    uint64_t own;
    if (!step_and_grow(run_exact, LIMIT, &forest))
        return;
    CHECK_EQ(entered(&forest, "stepped_exact", &own), 1);
    CHECK_EQ(own, STEPPED_EXACT_OUTER);
    CHECK_EQ(entered(&forest, "stepped_inner", &own), 2);
    CHECK_EQ(own, STEPPED_EXACT_INNER);
    CHECK(!forest.ends_early);
    bs_forest_deinit(&forest);
}

/* After one run unstepped, which binds what is bound when it is first called. */
static bool step_warm(const struct stepped *function, struct walk_forest *ret) {
    stepped_result = 0;
    function->run(NULL);
    CHECK(stepped_result != -1);
    stepped_result = 0;
    return step_and_grow(function->run, LIMIT, ret);
}

TEST(step, what_is_stepped_works_as_it_does_unstepped) {
    for (const struct stepped *function = stepped_functions; function->name; function++) {
        struct walk_forest forest;
        uint64_t own;
        if (!step_warm(function, &forest))
            continue;
        bool good = CHECK(stepped_result != -1);
        good &= CHECK(!forest.ends_early);
        if (function->run != stepped_exact)
            good &= CHECK(entered(&forest, "stepped_leaf", &own) > 0 && own > 4);
        if (!good)
            printf("  in %s\n", function->name);
        bs_forest_deinit(&forest);
    }
}

TEST(step, counts_are_those_of_the_kernels_own_stepping) {
    for (const struct stepped *function = stepped_functions; function->name; function++) {
        struct walk_forest forest;
        uint64_t own, total, told_own;
        if (!function->countable || !step_warm(function, &forest))
            continue;
        if (!count_by_ptrace(function->run, "stepped_leaf", &total, &told_own)) {
            bs_forest_deinit(&forest);
            SKIP("ptrace");
        }
        entered(&forest, "stepped_leaf", &own);
        bool good = CHECK_EQ(forest.instructions, total);
        good &= CHECK_EQ(own, told_own);
        if (!good)
            printf("  in %s\n", function->name);
        bs_forest_deinit(&forest);
    }
}

TEST(step, nodes_add_up_to_what_was_executed) {
    for (const struct stepped *function = stepped_functions; function->name; function++) {
        struct walk_forest forest;
        uint64_t sum = 0;
        if (!step_warm(function, &forest))
            continue;
        for (size_t i = 0; i < forest.count; i++)
            sum += forest.nodes[i].instructions;
        CHECK(sum <= forest.instructions);
        /* What is missing is what the function itself executed. */
        CHECK(forest.instructions - sum < 100);
        bs_forest_deinit(&forest);
    }
}

TEST(step, two_runs_give_the_same_trees) {
    for (const struct stepped *function = stepped_functions; function->name; function++) {
        struct walk_forest first, second;
        if (!function->countable || !step_warm(function, &first))
            continue;
        if (step_and_grow(function->run, LIMIT, &second)) {
            CHECK_EQ(first.count, second.count);
            CHECK_EQ(first.instructions, second.instructions);
            if (first.count == second.count)
                CHECK(!memcmp(first.nodes, second.nodes, first.count * sizeof(*first.nodes)));
            bs_forest_deinit(&second);
        }
        bs_forest_deinit(&first);
    }
}

static uint64_t system_calls(const struct walk_forest *forest, uint64_t number) {
    uint64_t count = 0;
    for (size_t i = 0; i < forest->count; i++)
        count +=
            forest->nodes[i].kind == BS_CALL_SYSTEM && forest->nodes[i].function_addr == number;
    return count;
}

TEST(step, system_calls_are_noted) {
    struct walk_forest forest;
    const struct stepped *function = stepped_functions;
    while (strcmp(function->name, "stepped_system_calls") != 0)
        function++;
    if (!step_warm(function, &forest))
        return;
    CHECK_EQ(system_calls(&forest, SYS_getppid), 2);
    CHECK_EQ(system_calls(&forest, SYS_clock_nanosleep) + system_calls(&forest, SYS_nanosleep), 1);
    CHECK_EQ(system_calls(&forest, SYS_write), 0);
    bs_forest_deinit(&forest);
}

TEST(step, the_limit_is_kept_and_the_rest_runs) {
    for (size_t limit = 0; limit < 60; limit += 7) {
        struct walk_forest forest;
        stepped_result = 0;
        if (!step_and_grow(stepped_functions[1].run, limit, &forest))
            continue;
        CHECK(stepped_result != 0);
        CHECK(forest.instructions <= limit + 2);
        CHECK(limit < 7 || forest.instructions + 2 >= limit);
        CHECK(!forest.count || forest.cut[0]);
        bs_forest_deinit(&forest);
    }
}

TEST(step, string_instructions_take_one_step) {
    struct walk_forest forest;
    stepped_result = 0;
    if (!step_and_grow(stepped_strings, STEPPED_BYTES / 8, &forest))
        return;
    CHECK(stepped_result > 0);
    CHECK(!forest.count || !forest.cut[forest.nodes[forest.count - 1].tree]);
    bs_forest_deinit(&forest);
}

static char *locked_page;
static uint64_t fault_addr;
extern const char copies_instruction[];

/* A program may mean to be stopped by a fault, and lets it pass. */
static void unlock(int number, siginfo_t *info, void *context) {
    const ucontext_t *uc = context;
    fault_addr = bs_step_place((uint64_t)uc->uc_mcontext.gregs[REG_RIP]);
    mprotect(locked_page, PAGE_BYTES, PROT_READ | PROT_WRITE);
}

static bool go_on(void *arg, const struct step *step) {
    return true;
}

static void copies(void *arg) {
    const char *source = arg;
    char *target = locked_page;
    size_t count = PAGE_BYTES;
    __asm__ volatile("copies_instruction: rep movsb"
                     : "+D"(target), "+S"(source), "+c"(count)
                     :
                     : "memory");
    stepped_result = target == locked_page + PAGE_BYTES ? stepped_leaf(2) : -1;
}

TEST(step, faults_of_string_instructions_are_in_their_place) {
    static char source[PAGE_BYTES] = "text";
    struct sigaction action = {.sa_sigaction = unlock, .sa_flags = SA_SIGINFO}, before;
    locked_page = mmap(NULL, PAGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    sigaction(SIGSEGV, &action, &before);
    stepped_result = 0;
    CHECK(!bs_step_run(copies, source, go_on, NULL));
    sigaction(SIGSEGV, &before, NULL);
    CHECK(stepped_result > 0);
    CHECK_EQ(fault_addr, (uint64_t)(uintptr_t)copies_instruction);
    CHECK_TEXT(locked_page, "text");
    munmap(locked_page, PAGE_BYTES);
}

static void set_errno(void *arg) {
    errno = 4711;
}

TEST(step, what_was_there_before_is_there_after) {
    struct sigaction handler, after;
    stack_t stack, stack_after;
    sigset_t mask, mask_after;
    struct walk_forest forest;
    sigaction(SIGTRAP, NULL, &handler);
    sigaltstack(NULL, &stack);
    sigemptyset(&mask);
    sigaddset(&mask, SIGTRAP);
    sigprocmask(SIG_BLOCK, &mask, NULL); /* stepping must cope with that too */
    sigprocmask(SIG_BLOCK, NULL, &mask);
    if (step_and_grow(set_errno, LIMIT, &forest))
        bs_forest_deinit(&forest);
    CHECK_EQ(errno, 4711);
    sigaction(SIGTRAP, NULL, &after);
    CHECK(handler.sa_sigaction == after.sa_sigaction && handler.sa_flags == after.sa_flags);
    sigaltstack(NULL, &stack_after);
    CHECK(stack.ss_sp == stack_after.ss_sp && stack.ss_flags == stack_after.ss_flags);
    sigprocmask(SIG_BLOCK, NULL, &mask_after);
    CHECK_EQ(sigismember(&mask_after, SIGTRAP), 1);
    CHECK(!memcmp(&mask, &mask_after, 8));
    sigdelset(&mask, SIGTRAP);
    sigprocmask(SIG_SETMASK, &mask, NULL);
}

/* As programs ask the kernel whether it has it. */
static void ask_for_clone3(void *arg) {
    *(bool *)arg = syscall(SYS_clone3, NULL, 0ul) == -1 && (errno == EINVAL || errno == ENOSYS);
}

TEST(step, a_system_call_without_its_arguments_is_the_kernels_to_refuse) {
    bool refused = false;
    CHECK(!bs_step_run(ask_for_clone3, &refused, go_on, NULL));
    CHECK(refused);
}

static void break_here(void *arg) {
    __asm__ volatile("int3; nop; nop");
}

static volatile int breakpoints;

static void on_breakpoint(int number) {
    breakpoints = breakpoints + 1;
}

TEST(step, breakpoints_go_to_the_handler_that_was_there) {
    struct sigaction action = {.sa_handler = on_breakpoint}, before;
    struct walk_forest forest;
    breakpoints = 0;
    sigaction(SIGTRAP, &action, &before);
    if (step_and_grow(break_here, LIMIT, &forest)) {
        CHECK(forest.instructions >= 3);
        bs_forest_deinit(&forest);
    }
    sigaction(SIGTRAP, &before, NULL);
    CHECK_EQ(breakpoints, 1);
}

/* As the kernel sends it where the debug status register did not say that it was a step. */
static void trap_without_reason(void *arg) {
    siginfo_t info = {.si_signo = SIGTRAP, .si_code = TRAP_BRKPT};
    syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGTRAP, &info);
}

TEST(step, a_trap_without_a_reason_is_a_step) {
    struct sigaction action = {.sa_handler = on_breakpoint}, before;
    struct walk_forest forest;
    breakpoints = 0;
    sigaction(SIGTRAP, &action, &before);
    if (step_and_grow(trap_without_reason, LIMIT, &forest)) {
        CHECK(!forest.ends_early);
        bs_forest_deinit(&forest);
    }
    CHECK_EQ(breakpoints, 0);
    trap_without_reason(NULL);
    CHECK_EQ(breakpoints, 1);
    sigaction(SIGTRAP, &before, NULL);
}

TEST(step, a_breakpoint_that_nobody_handles_ends_the_process) {
    int status = 0;
    pid_t child = fork();
    if (!child) {
        struct walk_forest forest;
        signal(SIGTRAP, SIG_DFL);
        step_and_grow(break_here, LIMIT, &forest);
        _exit(0);
    }
    waitpid(child, &status, 0);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTRAP);
}

static bool was_called;

static void note_call(void *arg) {
    was_called = !arg;
}

static bool see_nothing(void *arg, const struct step *step) {
    return !arg && step;
}

/* A child whose traps never reach it, as under emulators that do not know the trap flag. */
TEST(step, is_refused_where_no_step_traps) {
    int status = -1;
    pid_t child = fork();
    if (!child) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
            _exit(2);
        const char *problem = bs_step_run(note_call, NULL, see_nothing, NULL);
        _exit(!problem || !strstr(problem, "single-step") || was_called);
    }
    while (waitpid(child, &status, 0) == child && WIFSTOPPED(status))
        ptrace(PTRACE_CONT, child, NULL, WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
        SKIP("ptrace");
    CHECK_EQ(status, 0);
}

#endif
