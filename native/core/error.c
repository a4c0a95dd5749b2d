#include "core/error.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

struct bs_error bs_enomem = {
    .code = BS_ERROR_NO_MEMORY,
    .message = "out of memory in the debugger",
};

struct bs_error bs_interrupted = {
    .code = BS_ERROR_INTERRUPTED,
    .message = "interrupted",
};

static bool is_static(const struct bs_error *error) {
    return error == &bs_enomem || error == &bs_interrupted;
}

static struct bs_error *error_take(enum bs_error_code code, char *message) {
    struct bs_error *error = malloc(sizeof(*error));
    if (!error) {
        free(message);
        return &bs_enomem;
    }
    *error = (struct bs_error){.code = code, .message = message};
    return error;
}

struct bs_error *bs_error_create(enum bs_error_code code, const char *format, ...) {
    va_list args;
    char *message;
    va_start(args, format);
    int length = vasprintf(&message, format, args);
    va_end(args);
    return length < 0 ? &bs_enomem : error_take(code, message);
}

void bs_error_destroy(struct bs_error *error) {
    if (!error || is_static(error))
        return;
    free((char *)error->message);
    free(error);
}

struct bs_error *bs_error_fault(uint64_t addr, const char *what) {
    struct bs_error *error =
        bs_error_create(BS_ERROR_FAULT, "cannot read %s at 0x%" PRIx64, what, addr);
    if (error != &bs_enomem)
        error->addr = addr;
    return error;
}

struct bs_error *bs_error_reword(struct bs_error *error, const char *format, ...) {
    va_list args;
    char *message;
    if (is_static(error))
        return error;
    va_start(args, format);
    int length = vasprintf(&message, format, args);
    va_end(args);
    if (length < 0)
        return error;
    free((char *)error->message);
    error->message = message;
    return error;
}

struct bs_error *bs_error_prefix(struct bs_error *error, const char *format, ...) {
    va_list args;
    char *prefix;
    va_start(args, format);
    int length = vasprintf(&prefix, format, args);
    va_end(args);
    if (length < 0)
        return error;
    error = bs_error_reword(error, "%s: %s", prefix, error->message);
    free(prefix);
    return error;
}
