#include "check.h"

#include <CUnit/CUnit.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TESTS_MAX 2000

static struct {
    const char *suite, *name;
    check_fn fn;
} tests[TESTS_MAX];
static size_t test_count, skip_count;
static const char *current_suite = "", *current_name = "";
static struct timespec current_start;

void check_register(const char *suite, const char *name, check_fn fn) {
    if (test_count == TESTS_MAX)
        abort();
    tests[test_count].suite = suite;
    tests[test_count].name = name;
    tests[test_count++].fn = fn;
}

static bool report(bool holds, const char *file, unsigned int line) {
    CU_assertImplementation(holds, line, "see above", file, "", CU_FALSE);
    return holds;
}

bool check_true(bool holds, const char *expression, const char *file, unsigned int line) {
    if (!holds)
        printf("%s:%u: does not hold: %s\n", file, line, expression);
    return report(holds, file, line);
}

bool check_int(int64_t actual, int64_t expected, const char *expression, const char *file,
               unsigned int line) {
    if (actual != expected)
        printf("%s:%u: %s\n  expected %" PRId64 "\n  actual   %" PRId64 "\n", file, line,
               expression, expected, actual);
    return report(actual == expected, file, line);
}

bool check_text(const char *actual, size_t length, const char *expected, const char *expression,
                const char *file, unsigned int line) {
    if (length == (size_t)-1)
        length = actual ? strlen(actual) : 0;
    bool same = actual && strlen(expected) == length && !memcmp(actual, expected, length);
    if (!same)
        printf("%s:%u: %s\n  expected %s\n  actual   %.*s\n", file, line, expression, expected,
               actual ? (int)length : 4, actual ? actual : "NULL");
    return report(same, file, line);
}

bool check_no_error(struct bs_error *error, const char *expression, const char *file,
                    unsigned int line) {
    bool holds = !error;
    if (error)
        printf("%s:%u: %s\n  failed: %s\n", file, line, expression, error->message);
    bs_error_destroy(error);
    return report(holds, file, line);
}

bool check_error(struct bs_error *error, enum bs_error_code code, const char *part,
                 const char *expression, const char *file, unsigned int line) {
    bool holds = error && error->code == code && strstr(error->message, part);
    if (!holds)
        printf("%s:%u: %s\n  expected error %d with \"%s\"\n  actual   %d: %s\n", file, line,
               expression, (int)code, part, error ? (int)error->code : -1,
               error ? error->message : "no error");
    bs_error_destroy(error);
    return report(holds, file, line);
}

void check_skip(const char *what, const char *missing) {
    printf("skipped: %s.%s: %s: needs %s\n", current_suite, current_name, what, missing);
    skip_count++;
}

static void on_start(const CU_pTest test, const CU_pSuite suite) {
    current_suite = suite->pName;
    current_name = test->pName;
    clock_gettime(CLOCK_MONOTONIC, &current_start);
}

static double seconds_since(const struct timespec *start) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

static void on_complete(const CU_pTest test, const CU_pSuite suite,
                        const CU_pFailureRecord failure) {
    printf("%s %s.%s (%.1f s)\n", failure ? "FAILED" : "ok    ", suite->pName, test->pName,
           seconds_since(&current_start));
    fflush(stdout);
}

static bool wanted(size_t i, int filters, char **filter) {
    char full[256];
    snprintf(full, sizeof(full), "%s.%s", tests[i].suite, tests[i].name);
    for (int f = 0; f < filters; f++) {
        if (strstr(full, filter[f]))
            return true;
    }
    return !filters;
}

int main(int argc, char **argv) {
    bool list = argc > 1 && !strcmp(argv[1], "-l");
    setvbuf(stdout, NULL, _IOLBF, 0);
    CU_initialize_registry();
    for (size_t i = 0; i < test_count; i++) {
        if (!wanted(i, argc - 1 - list, argv + 1 + list))
            continue;
        if (list) {
            printf("%s.%s\n", tests[i].suite, tests[i].name);
            continue;
        }
        CU_pSuite suite = CU_get_suite(tests[i].suite);
        if (!suite)
            suite = CU_add_suite(tests[i].suite, NULL, NULL);
        CU_add_test(suite, tests[i].name, tests[i].fn);
    }
    if (list)
        return 0;
    CU_set_test_start_handler(on_start);
    CU_set_test_complete_handler(on_complete);
    CU_run_all_tests();
    unsigned int failed = CU_get_number_of_tests_failed(), run = CU_get_number_of_tests_run();
    CU_cleanup_registry();
    printf("%u passed, %u failed, %zu skipped\n", run - failed, failed, skip_count);
    return failed || !run;
}
