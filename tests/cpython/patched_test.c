/*
 * CPython's own regression tests, with the probe in the dispatch table all the while: every outcome
 * is as without it. Modules in which one differs are tried again, both ways, since some tests
 * depend on the time of day; what differs each time has failed.
 *
 * BYTESIGHT_CPYTHON_TESTS in the environment: "all" for many modules and some minutes per Python,
 * or names of modules and their classes, separated by blanks; otherwise a part that takes seconds.
 */
#include "check.h"
#include "core/buffer.h"
#include "inspect/process.h"
#include "probe/probed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATCHED BUILD_DIR "/tests/cpython/programs/patched.so"
#define TRIES   3

static const char part[] =
    "test_asyncgen test_asyncio.test_locks test_asyncio.test_pep492 test_class test_contextlib "
    "test_coroutines test_descr test_dict test_dis test_exceptions.ExceptionTests test_float "
    "test_frame test_gc.GCTests test_generators test_list test_monitoring test_opcache test_raise "
    "test_set.TestSet test_sys_setprofile test_sys_settrace "
    "test_thread.ThreadRunningTests test_with test_yield_from";

static const char all[] =
    "test_asyncgen test_augassign test_binop test_bool test_builtin test_bytes test_call "
    "test_class test_code test_compare test_compile test_contextlib test_contextlib_async "
    "test_coroutines test_dataclasses test_decorators test_deque test_descr test_dict "
    "test_dictcomps test_dis test_enum test_enumerate test_except_star test_exception_hierarchy "
    "test_exception_variations test_exceptions test_extcall test_float test_fork1 test_frame "
    "test_fstring test_funcattrs test_functools test_gc test_generator_stop test_generators "
    "test_genexps test_grammar test_hash test_heapq test_inspect test_int test_isinstance test_iter "
    "test_itertools test_json test_keywordonlyarg test_list test_listcomps test_long test_math "
    "test_metaclass test_monitoring test_named_expressions test_opcache test_opcodes "
    "test_ordered_dict test_patma test_peepholer test_pickle test_positional_only_arg test_pow "
    "test_profile test_property test_raise test_range test_re test_richcmp test_scope "
    "test_set test_setcomps test_signal test_slice test_sort test_str test_string test_subclassinit "
    "test_super test_syntax test_sys test_sys_setprofile test_sys_settrace test_thread "
    "test_threading test_threading_local test_traceback test_tuple test_type_cache test_types "
    "test_unary test_unicode test_unpack test_unpack_ex test_weakref test_weakset test_with "
    "test_yield_from test_asyncio.test_base_events test_asyncio.test_events "
    "test_asyncio.test_locks test_asyncio.test_pep492 "
    "test_asyncio.test_queues test_asyncio.test_runners test_asyncio.test_streams "
    "test_asyncio.test_taskgroups test_asyncio.test_tasks test_asyncio.test_threads "
    "test_asyncio.test_timeouts";

/* What one process said of its tests: lines, sorted; owned. */
struct outcomes {
    char **lines;
    size_t count;
    uint64_t recorded; /* dispatches */
    bool missing;      /* there are no tests */
    bool ended;
};

static void outcomes_free(struct outcomes *outcomes) {
    for (size_t i = 0; i < outcomes->count; i++)
        free(outcomes->lines[i]);
    free(outcomes->lines);
}
#define _cleanup_outcomes_ _cleanup_(outcomes_free)

static void add_line(struct outcomes *outcomes, const char *line) {
    char **lines = realloc(outcomes->lines, (outcomes->count + 1) * sizeof(*lines));
    if (!lines)
        abort();
    outcomes->lines = lines;
    outcomes->lines[outcomes->count++] = strdup(line);
}

/* The lines of patched.py, which says what they are. */
static struct outcomes listen(struct probed *probed) {
    struct outcomes outcomes = {};
    char latest[256] = "nothing";
    for (char *line = probed_read(probed); line && !outcomes.ended; line = probed_read(probed)) {
        if (line[0] == '#')
            snprintf(latest, sizeof(latest), "%s", line + 2);
        else if (line[0] == '?')
            printf("  %s\n", line + 2);
        else if (!strcmp(line, "missing"))
            outcomes.missing = true;
        else if (!strcmp(line, "done"))
            outcomes.ended = true;
        else if (sscanf(line, "recorded %" SCNu64, &outcomes.recorded) != 1)
            add_line(&outcomes, line);
    }
    if (!outcomes.ended && !outcomes.missing)
        printf("  ended in the middle; latest: %s\n", latest);
    return outcomes;
}

static struct outcomes run(const struct interpreter *interpreter, const char *how,
                           const char *names) {
    const char *args[] = {PATCHED, how, names, NULL};
    struct outcomes outcomes = {};
    struct probed probed;
    if (probed_start(&probed, interpreter, "cpython/programs/patched.py", args)) {
        outcomes = listen(&probed);
        probed_end(&probed);
    }
    return outcomes;
}

/* @p line is in one of two only: show it, and note the name that it begins with, once. */
static void differs(const char *where, const char *line, struct bs_buffer *names) {
    size_t length = strcspn(line, " ");
    printf("  %s: %s\n", where, line);
    if (names->length <= length || memcmp(names->data + names->length - length - 1, line, length))
        bs_buffer_format(names, "%.*s ", (int)length, line);
}

/* The names of what has not the same outcomes in both, for run(). */
static void compare(const struct outcomes *plain, const struct outcomes *patched,
                    struct bs_buffer *ret_names) {
    for (size_t i = 0, j = 0; i < plain->count || j < patched->count;) {
        int order = i == plain->count     ? 1
                    : j == patched->count ? -1
                                          : strcmp(plain->lines[i], patched->lines[j]);
        if (order < 0)
            differs("only without the probe", plain->lines[i], ret_names);
        if (order > 0)
            differs("only with the probe", patched->lines[j], ret_names);
        i += order <= 0;
        j += order >= 0;
    }
    bs_buffer_char(ret_names, '\0');
}

/* Run @p names both ways. False: nothing can be compared. */
static bool try_both_ways(const struct interpreter *interpreter, const char *names,
                          struct bs_buffer *ret_names) {
    _cleanup_outcomes_ struct outcomes plain = run(interpreter, "plain", names);
    if (plain.missing) {
        check_skip(interpreter->name, "a Python that ships its tests");
        return false;
    }
    _cleanup_outcomes_ struct outcomes patched = run(interpreter, "patched", names);
    if (!CHECK(plain.ended && plain.count) || !CHECK(patched.ended))
        return false;
    printf("  %zu tests, %" PRIu64 " dispatches recorded\n", plain.count, patched.recorded);
    CHECK(patched.recorded > plain.count);
    compare(&plain, &patched, ret_names);
    return true;
}

static void run_both_ways(const struct interpreter *interpreter) {
    const char *wanted = getenv("BYTESIGHT_CPYTHON_TESTS");
    _cleanup_free_ char *names = strdup(!wanted ? part : strcmp(wanted, "all") ? wanted : all);
    for (int try = 0; names && names[0] && try < TRIES; try++) {
        struct bs_buffer differing = BS_BUFFER_INIT;
        if (!try_both_ways(interpreter, names, &differing)) {
            bs_buffer_deinit(&differing);
            return;
        }
        free(names);
        names = strdup(differing.data);
        bs_buffer_deinit(&differing);
    }
    CHECK_TEXT(names, "");
}

TEST(cpython, its_own_tests_pass_as_without_the_probe) {
    interpreters_each(run_both_ways);
}
