#include "inspect/layout.h"

#include <stddef.h>

#define BS_ROW(name, offset_bytes) .name = (offset_bytes),

/* Sorted: each holds from its version on. */
static const struct bs_layout layouts[] = {
    {
        .python = 0x030a0000,
#include "inspect/layouts/3_10.def"
    },
    {
        .python = 0x030b0000,
#include "inspect/layouts/3_11.def"
    },
    {
        .python = 0x030c0000,
#include "inspect/layouts/3_12.def"
    },
    {
        .python = 0x030d0000,
#include "inspect/layouts/3_13.def"
    },
    {
        .python = 0x030d0300,
#include "inspect/layouts/3_13_3.def"
    },
    {
        .python = 0x030e0000,
#include "inspect/layouts/3_14.def"
    },
    {
        .python = 0x030f0000,
#include "inspect/layouts/3_15.def"
    },
};
#undef BS_ROW

const struct bs_layout *bs_layout_rows(uint32_t python) {
    const struct bs_layout *found = NULL;
    for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++) {
        if (layouts[i].python >> 16 == python >> 16 && layouts[i].python <= python)
            found = &layouts[i];
    }
    return found;
}
