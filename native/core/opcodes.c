#include "core/opcodes.h"

#include <string.h>

#define BS_VERSION 3_10
#define BS_ROWS    "core/opcodes/3_10.def"
#include "core/opcodes/tables.h"

#define BS_VERSION 3_11
#define BS_ROWS    "core/opcodes/3_11.def"
#include "core/opcodes/tables.h"

#define BS_VERSION 3_12
#define BS_ROWS    "core/opcodes/3_12.def"
#include "core/opcodes/tables.h"

#define BS_VERSION 3_13
#define BS_ROWS    "core/opcodes/3_13.def"
#include "core/opcodes/tables.h"

#define BS_VERSION 3_14
#define BS_ROWS    "core/opcodes/3_14.def"
#include "core/opcodes/tables.h"

#define BS_VERSION 3_15
#define BS_ROWS    "core/opcodes/3_15.def"
#include "core/opcodes/tables.h"

#define TABLES(version)                                                                            \
    .opcodes = opcodes_##version, .caches = caches_##version, .texts = texts_##version

/* What a version does apart from its rows. See Lib/dis.py and Objects/codeobject.c of each. */
static const struct bs_opcodes versions[] = {
    {.python = 0x030a, TABLES(3_10), .line_format = BS_LINES_DELTAS},
    {.python = 0x030b, TABLES(3_11), .line_format = BS_LINES_LOCATIONS},
    {.python = 0x030c, TABLES(3_12), .line_format = BS_LINES_LOCATIONS},
    {.python = 0x030d,
     TABLES(3_13),
     .line_format = BS_LINES_LOCATIONS,
     .labels = true,
     .blank_lines = true},
    {.python = 0x030e,
     TABLES(3_14),
     .line_format = BS_LINES_LOCATIONS,
     .labels = true,
     .blank_lines = true},
    {.python = 0x030f,
     TABLES(3_15),
     .line_format = BS_LINES_LOCATIONS,
     .labels = true,
     .blank_lines = true},
};

const struct bs_opcodes *bs_opcodes_find(uint32_t python) {
    for (size_t i = 0; i < sizeof(versions) / sizeof(*versions); i++) {
        if (versions[i].python == python >> 16)
            return &versions[i];
    }
    return NULL;
}

int bs_opcodes_number(const struct bs_opcodes *opcodes, const char *name) {
    for (int number = 0; number < 256; number++) {
        const char *other = opcodes->opcodes[number].name;
        if (other && !strcmp(other, name))
            return number;
    }
    return -1;
}
