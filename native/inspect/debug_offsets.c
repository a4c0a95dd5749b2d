#include "inspect/debug_offsets.h"

#include "inspect/field.h"

#include <inttypes.h>
#include <string.h>

/* Slots: the order of the words in the table of one version. */
struct slot {
    const char *section, *name;
};
#define BS_SLOT(section, name) {#section, #name},
static const struct slot slots_3_13[] = {
#include "inspect/layouts/table_3_13.def"
};
static const struct slot slots_3_14[] = {
#include "inspect/layouts/table_3_14.def"
};
static const struct slot slots_3_15[] = {
#include "inspect/layouts/table_3_15.def"
};
#undef BS_SLOT

static const struct version {
    uint32_t python; /* major and minor */
    const struct slot *slots;
    size_t count;
} versions[] = {
    {0x030d0000, slots_3_13, sizeof(slots_3_13) / sizeof(*slots_3_13)},
    {0x030e0000, slots_3_14, sizeof(slots_3_14) / sizeof(*slots_3_14)},
    {0x030f0000, slots_3_15, sizeof(slots_3_15) / sizeof(*slots_3_15)},
};

/* Fields: what to take from which slot. */
struct slot_field {
    const char *section, *name;
    const char *base; /* slot to subtract, or NULL */
    size_t member;    /* of struct bs_layout */
    size_t width;
};
#define BS_SLOT_FIELD(section, slot, field)                                                        \
    {#section, #slot, NULL, offsetof(struct bs_layout, field), BS_WIDTH_##field},
#define BS_SLOT_WITHIN(section, slot, base, field)                                                 \
    {#section, #slot, #base, offsetof(struct bs_layout, field), BS_WIDTH_##field},
#define BS_SLOT_FOLLOW(field, leader)
static const struct slot_field slot_fields[] = {
#include "inspect/layouts/slots.def"
};
#undef BS_SLOT_FIELD
#undef BS_SLOT_WITHIN
#undef BS_SLOT_FOLLOW

struct follow {
    size_t member, leader;
};
#define BS_SLOT_FIELD(section, slot, field)
#define BS_SLOT_WITHIN(section, slot, base, field)
#define BS_SLOT_FOLLOW(field, leader)                                                              \
    {offsetof(struct bs_layout, field), offsetof(struct bs_layout, leader)},
static const struct follow follows[] = {
#include "inspect/layouts/slots.def"
};

#define SLOTS_MAX 160
_Static_assert(sizeof(slots_3_13) / sizeof(*slots_3_13) <= SLOTS_MAX, "raise SLOTS_MAX");
_Static_assert(sizeof(slots_3_14) / sizeof(*slots_3_14) <= SLOTS_MAX, "raise SLOTS_MAX");
_Static_assert(sizeof(slots_3_15) / sizeof(*slots_3_15) <= SLOTS_MAX, "raise SLOTS_MAX");

struct table {
    char cookie[8];
    uint64_t version, free_threaded;
    uint64_t words[SLOTS_MAX];
};

static int32_t *member(struct bs_layout *layout, size_t offset) {
    return (int32_t *)((char *)layout + offset);
}

/* The word of a slot; false when this version has none of that name. */
static bool find(const struct version *version, const struct table *table, const char *section,
                 const char *name, uint64_t *ret) {
    for (size_t i = 0; i < version->count; i++) {
        if (!strcmp(version->slots[i].name, name) && !strcmp(version->slots[i].section, section)) {
            *ret = table->words[i];
            return true;
        }
    }
    return false;
}

static struct bs_error *corrupt(const struct slot_field *field, uint64_t offset, uint64_t size) {
    return bs_error_create(
        BS_ERROR_CORRUPT,
        "the interpreter's table of offsets is corrupt: %s.%s is at byte %" PRIu64 " of %" PRIu64,
        field->section, field->name, offset, size);
}

static struct bs_error *take_field(const struct version *version, const struct table *table,
                                   const struct slot_field *field, struct bs_layout *layout) {
    uint64_t offset, size = BS_DEBUG_OFFSETS_STRUCTURE_MAX, base = 0;
    if (!find(version, table, field->section, field->name, &offset))
        return NULL; /* this version's table lacks it: the row stays */
    find(version, table, field->section, "size", &size);
    if (field->base)
        find(version, table, field->section, field->base, &base);
    size_t alignment = field->width < 8 ? field->width : 8;
    if (size > BS_DEBUG_OFFSETS_STRUCTURE_MAX || offset > size || field->width > size - offset ||
        offset % alignment || base > offset)
        return corrupt(field, offset, size);
    *member(layout, field->member) = (int32_t)(offset - base);
    return NULL;
}

/* Fields beside those of the table move with them; one that would leave its structure stays put. */
static void take_followers(struct bs_layout rows, struct bs_layout *layout) {
    for (size_t i = 0; i < sizeof(follows) / sizeof(*follows); i++) {
        int32_t *field = member(layout, follows[i].member);
        int32_t moved = *member(layout, follows[i].leader) - *member(&rows, follows[i].leader);
        if (*field != BS_FIELD_ABSENT && *field + moved >= 0)
            *field += moved;
    }
}

static struct bs_error *check_head(const struct table *table, uint32_t python) {
    if (memcmp(table->cookie, BS_DEBUG_OFFSETS_COOKIE, sizeof(table->cookie)) != 0)
        return bs_error_create(BS_ERROR_CORRUPT,
                               "the interpreter's table of offsets does not begin with \"%s\"",
                               BS_DEBUG_OFFSETS_COOKIE);
    if (table->version != python)
        return bs_error_create(BS_ERROR_CORRUPT,
                               "the interpreter's table of offsets is of version 0x%" PRIx64
                               ", the interpreter of 0x%" PRIx32,
                               table->version, python);
    if (table->free_threaded)
        return bs_error_create(BS_ERROR_UNSUPPORTED,
                               "free-threaded builds of Python are not supported: use a build "
                               "with the GIL");
    return NULL;
}

struct bs_error *bs_debug_offsets_apply(const struct bs_target *target, uint64_t runtime_addr,
                                        uint32_t python, struct bs_layout *layout) {
    const struct version *version = NULL;
    struct table table = {};
    for (size_t i = 0; i < sizeof(versions) / sizeof(*versions); i++) {
        if (versions[i].python == (python & 0xffff0000))
            version = &versions[i];
    }
    if (!version)
        return NULL;
    struct bs_error *error =
        bs_read_bytes(target, runtime_addr, "the interpreter's table of offsets", &table,
                      offsetof(struct table, words) + version->count * sizeof(*table.words));
    if (!error)
        error = check_head(&table, python);
    struct bs_layout rows = *layout;
    for (size_t i = 0; !error && i < sizeof(slot_fields) / sizeof(*slot_fields); i++)
        error = take_field(version, &table, &slot_fields[i], layout);
    if (error)
        *layout = rows;
    else
        take_followers(rows, layout);
    return error;
}
