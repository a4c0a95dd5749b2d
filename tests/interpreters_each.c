/* Apart from interpreters.c, so that programs without tests can use that. */
#include "interpreters.h"

#include "check.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void interpreters_each(void (*test)(const struct interpreter *interpreter)) {
    const char *only = getenv("BYTESIGHT_PYTHON");
    static bool told; /* what is missing is missing for every test */
    bool seen[INTERPRETERS_MINOR_NEWEST + 1] = {false};
    size_t count, tested = 0;
    const struct interpreter *each = interpreters(&count);
    for (size_t i = 0; i < count; i++) {
        if (!interpreter_is_wanted(&each[i]))
            continue;
        seen[each[i].python >> 16 & 255] = true;
        printf("  Python %s %s\n", each[i].name, each[i].path);
        test(&each[i]);
        tested++;
    }
    if (only && !tested && !told)
        check_skip(only, "a CPython whose version begins so");
    for (unsigned int minor = INTERPRETERS_MINOR_OLDEST;
         minor <= INTERPRETERS_MINOR_NEWEST && !only && !told; minor++) {
        char version[16], missing[48];
        snprintf(version, sizeof(version), "3.%u", minor);
        snprintf(missing, sizeof(missing), "a CPython 3.%u", minor);
        if (!seen[minor])
            check_skip(version, missing);
    }
    told = true;
}
