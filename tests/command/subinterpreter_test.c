/* Programs with sub-interpreters: what works there, what is refused, and what stacks show. */
#include "check.h"
#include "program.h"

#include <stdio.h>
#include <string.h>

/* PEP 684: the probe must not be in a table that others go through. */
#define OTHER_GILS "the process has interpreters with global locks of their own"

static bool has_gil_of_its_own(const struct interpreter *interpreter) {
    return interpreter->python >= 0x030c0000;
}

/* CPython cannot fork then: a copy would wait for ever, or abort. */
static void beside_subinterpreter(const struct interpreter *interpreter) {
    char possible[64];
    _cleanup_program_ struct program program = program_start(interpreter, "beside");
    if (!program.process)
        return;
    CHECK_SHOWS(&program, "status", "but the process has sub-interpreters, with which Python 3.");
    CHECK_SHOWS(&program, "status", "cannot be copied: use --in-process\n");
    CHECK_ERROR(program_run(&program, "trace hot(2)"), BS_ERROR_STATE,
                "cannot be copied: use --in-process");
    CHECK_SHOWS(&program, "trace --in-process hot(2)", "Trace of `hot`");
    CHECK_SHOWS(&program, "profile --in-process --warmups 3 --repeats 5 hot(3)", "total += i");
    CHECK_EQ(strstr(process_host_output(program.process), OTHER_GILS) != NULL,
             has_gil_of_its_own(interpreter));
    CHECK_OK(program_run(&program, "set in-process on"));
    snprintf(possible, sizeof(possible), "possible, on thread %d\n", program.pid);
    CHECK_SHOWS(&program, "status", possible);
}

TEST(subinterpreter, is_in_the_way_of_clones_only_while_idle) {
    interpreters_each(beside_subinterpreter);
}

/* Each of @p parts is in @p text, one after the other. */
static void check_order(const char *text, const char *const *parts) {
    const char *at = text;
    for (size_t i = 0; parts[i]; i++) {
        const char *found = strstr(at, parts[i]);
        if (!found) {
            check_text(at, strlen(at), parts[i], "the next part", __FILE__, __LINE__);
            return;
        }
        at = found + strlen(parts[i]);
    }
}

/* The file is <string>, and from 3.14 on <script>. */
static const char *const frames_inside[] = {
    "[py]  deep at <s",
    "[py]  deep at <s",
    "[py]  deep at <s",
    "[py]  <module> at <s",
    "[py]  run_subinterpreter at ",
    NULL,
};

#define LEVEL_OF_MAIN 30 /* of the C stack, any such */

static void calls_inside(struct program *program, bool own_gil) {
    CHECK_SHOWS(program, "status", ", in the sub-interpreter that it runs, but the process has");
    CHECK_SHOWS(program, "status", "names        of CALL are those of deep in <s");
    CHECK_EQ(strstr(process_host_output(program->process), "have locks of their own\n") != NULL,
             own_gil);
    CHECK_ERROR(program_run(program, "trace double(n)"), BS_ERROR_STATE,
                "cannot be copied: use --in-process");
    CHECK_SHOWS(program, "trace --in-process double(n)", "Trace of `double`");
    CHECK_SHOWS(program, "profile --in-process --warmups 3 --repeats 5 double(n)", "BUILD_LIST");
    CHECK_EQ(strstr(process_host_output(program->process), OTHER_GILS) != NULL, own_gil);
    CHECK_ERROR(program_run(program, "trace --in-process hot(2)"), BS_ERROR_TARGET,
                "name 'hot' is not defined");
}

/* Modules, __main__ too, are those of the interpreter that runs the selected frame. */
static void code_inside(struct program *program) {
    CHECK_SHOWS(program, "code double", "double at <s");
    CHECK_SHOWS(program, "code __main__:double", "double at <s");
    CHECK_ERROR(program_run(program, "code hot"), BS_ERROR_NOT_FOUND, "there is no hot here");
    CHECK_ERROR(program_run(program, "code __main__:hot"), BS_ERROR_NOT_FOUND,
                "there is no hot in __main__");
}

/* The frames of another interpreter have nothing to give. */
static void outer_frame_inside(struct program *program) {
    const int level = program->process->state.selected_level;
    program->process->state.selected_level = LEVEL_OF_MAIN;
    CHECK_ERROR(program_run(program, "trace --in-process hot(2)"), BS_ERROR_STATE,
                "belongs to another interpreter than the innermost");
    program->process->state.selected_level = level;
}

/* On the thread whose active state is not of the main interpreter; it must never wait for itself.
 */
static void inside(const struct interpreter *interpreter, const char *stop, bool own_gil) {
    _cleanup_program_ struct program program = program_start(interpreter, stop);
    if (!program.process)
        return;
    uint64_t addr = process_host_symbol(program.process, "getppid");
    if (!CHECK(process_host_run_to(program.process, program.pid, addr)))
        return;
    calls_inside(&program, own_gil);
    code_inside(&program);
    outer_frame_inside(&program);
    CHECK_SHOWS(&program, "stack", "Thread ");
    const char *stack = process_host_output(program.process);
    check_order(stack, frames_inside);
    CHECK(!strstr(stack, "cannot be read"));
    CHECK(!strstr(stack, "is not known"));
}

static void inside_with_gil(const struct interpreter *interpreter) {
    inside(interpreter, "inside", has_gil_of_its_own(interpreter));
}

TEST(subinterpreter, runs_calls_while_it_has_the_gil_and_its_frames_are_shown) {
    interpreters_each(inside_with_gil);
}

static void inside_sharing(const struct interpreter *interpreter) {
    inside(interpreter, "inside_sharing", false);
}

TEST(subinterpreter, runs_calls_under_the_gil_of_the_main_one) {
    interpreters_each(inside_sharing);
}

/* Up to 3.11 the lock still tells of the state that took it last. */
static void left_subinterpreter(const struct interpreter *interpreter) {
    _cleanup_program_ struct program program = program_start(interpreter, "left");
    if (!program.process)
        return;
    uint64_t addr = process_host_symbol(program.process, "getppid");
    if (!CHECK(process_host_run_to(program.process, program.pid, addr)))
        return;
    CHECK_SHOWS(&program, "status", ", the selected one\n");
    CHECK_SHOWS(&program, "status", "calls        possible, on thread ");
    CHECK_SHOWS(&program, "stack", ", holds the GIL\n");
    CHECK_SHOWS(&program, "trace hot(2)", "Trace of `hot`");
    CHECK_SHOWS(&program, "trace --in-process hot(2)", "Trace of `hot`");
}

TEST(subinterpreter, that_is_gone_does_not_hold_the_gil) {
    interpreters_each(left_subinterpreter);
}

/* The lines of @p tid, from @p stacks. */
static char *stack_of(const char *stacks, int tid) {
    char title[32];
    snprintf(title, sizeof(title), "Thread %d", tid);
    const char *start = strstr(stacks, title);
    const char *end = start ? strstr(start + 1, "\nThread ") : NULL;
    return end ? strndup(start, (size_t)(end - start)) : strdup(start ? start : "");
}

static void elsewhere(const struct interpreter *interpreter) {
    _cleanup_program_ struct program program = program_start(interpreter, "elsewhere");
    if (!program.process)
        return;
    int other_tid = program_last_thread(&program);
    CHECK_SHOWS(&program, "stack --all", "Thread ");
    _cleanup_free_ char *own = stack_of(process_host_output(program.process), program.pid);
    _cleanup_free_ char *other = stack_of(process_host_output(program.process), other_tid);
    check_order(own, (const char *const[]){"[py]  sleep at ", "[py]  elsewhere at ", NULL});
    CHECK(!strstr(own, " at <s"));
    check_order(other, frames_inside);
    CHECK_SHOWS(&program, "trace --in-process hot(2)", "Trace of `hot`");
    program.process->state.selected_tid = other_tid;
    CHECK_ERROR(program_run(&program, "trace --in-process hot(2)"), BS_ERROR_STATE,
                "or select a thread of the main interpreter");
}

TEST(subinterpreter, is_shown_on_the_thread_that_runs_it) {
    interpreters_each(elsewhere);
}
