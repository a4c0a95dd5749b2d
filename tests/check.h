/*
 * The thin coat over CUnit. A test that is written is a test that runs: TEST registers itself.
 *
 *     TEST(buffer, failure_sticks) { CHECK_EQ(f(), 3); }
 *
 * A failed check says what was expected and what came. A test that lacks a tool calls SKIP with the
 * tool's name; skips are printed and counted, and are never the answer to a bad output.
 *
 * run [-l] [FILTER...]: only the tests whose "suite.name" contains a FILTER; -l lists them.
 */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include "core/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef void (*check_fn)(void);
void check_register(const char *suite, const char *name, check_fn fn);

#define TEST(suite, name)                                                                          \
    static void test_##suite##_##name(void);                                                       \
    __attribute__((constructor)) static void register_##suite##_##name(void) {                     \
        check_register(#suite, #name, test_##suite##_##name);                                      \
    }                                                                                              \
    static void test_##suite##_##name(void)

/* Each returns whether the check held, so that a test can stop where going on makes no sense. */
bool check_true(bool holds, const char *expression, const char *file, unsigned int line);
bool check_int(int64_t actual, int64_t expected, const char *expression, const char *file,
               unsigned int line);
bool check_text(const char *actual, size_t length, const char *expected, const char *expression,
                const char *file, unsigned int line);
/* NULL @p error holds; otherwise its message is shown. Consumes @p error. */
bool check_no_error(struct bs_error *error, const char *expression, const char *file,
                    unsigned int line);
/* Holds for an error of this code whose message contains @p part. Consumes @p error. */
bool check_error(struct bs_error *error, enum bs_error_code code, const char *part,
                 const char *expression, const char *file, unsigned int line);

#define CHECK(expression)          check_true((expression), #expression, __FILE__, __LINE__)
#define CHECK_EQ(actual, expected) check_int((actual), (expected), #actual, __FILE__, __LINE__)
#define CHECK_TEXT(actual, expected)                                                               \
    check_text((actual), (size_t)-1, (expected), #actual, __FILE__, __LINE__)
#define CHECK_BYTES(actual, length, expected)                                                      \
    check_text((actual), (length), (expected), #actual, __FILE__, __LINE__)
#define CHECK_OK(expression) check_no_error((expression), #expression, __FILE__, __LINE__)
#define CHECK_ERROR(expression, code, part)                                                        \
    check_error((expression), (code), (part), #expression, __FILE__, __LINE__)

/* Note that this test, or the case @p what of it, did not run for want of @p missing. */
void check_skip(const char *what, const char *missing);
#define SKIP(missing)                                                                              \
    do {                                                                                           \
        check_skip(__func__, (missing));                                                           \
        return;                                                                                    \
    } while (0)

#endif
