#include "check.h"
#include "core/decode.h"
#include "core/opcodes.h"

#include <string.h>

static const uint32_t pythons[] = {0x030a0000, 0x030b0000, 0x030c0000,
                                   0x030d0000, 0x030e0000, 0x030f0000};
#define PYTHON_COUNT (sizeof(pythons) / sizeof(*pythons))

/* The forms as the rows name them, to be held against the numbers that are used. */
static const struct {
    uint32_t python;
    uint8_t number, base;
    const char *name, *base_name;
} forms[] = {
#define BS_OPCODE(number, name, argument, caches)
#define BS_UNUSED(number)
#define BS_CACHE(opcode, field, units)
#define BS_TEXT(list, index, text)
#define BS_SPECIALIZED(number, name, base, base_name)  {PYTHON, number, base, #name, #base_name},
#define BS_INSTRUMENTED(number, name, base, base_name) {PYTHON, number, base, #name, #base_name},
#define PYTHON                                         0x030a0000
#include "core/opcodes/3_10.def"
#undef PYTHON
#define PYTHON 0x030b0000
#include "core/opcodes/3_11.def"
#undef PYTHON
#define PYTHON 0x030c0000
#include "core/opcodes/3_12.def"
#undef PYTHON
#define PYTHON 0x030d0000
#include "core/opcodes/3_13.def"
#undef PYTHON
#define PYTHON 0x030e0000
#include "core/opcodes/3_14.def"
#undef PYTHON
#define PYTHON 0x030f0000
#include "core/opcodes/3_15.def"
#undef PYTHON
};

/* The number of @p name on @p python, or -1. */
static int number_of(uint32_t python, const char *name) {
    for (int i = 0; i < 256; i++) {
        if (!strcmp(bs_opcode_name(python, (uint8_t)i), name))
            return i;
    }
    return -1;
}

TEST(opcodes, every_number_has_a_name_and_names_are_unique) {
    for (size_t i = 0; i < PYTHON_COUNT; i++) {
        for (int opcode = 0; opcode < 256; opcode++) {
            const char *name = bs_opcode_name(pythons[i], (uint8_t)opcode);
            if (CHECK(name))
                CHECK_EQ(number_of(pythons[i], name), opcode);
        }
    }
}

TEST(opcodes, forms_have_the_base_that_their_row_names) {
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
        CHECK_TEXT(bs_opcode_name(forms[i].python, forms[i].number), forms[i].name);
        CHECK_TEXT(bs_opcode_name(forms[i].python, forms[i].base), forms[i].base_name);
        CHECK_EQ(bs_opcode_base(forms[i].python, forms[i].number), forms[i].base);
    }
}

TEST(opcodes, a_base_is_its_own_base) {
    for (size_t i = 0; i < PYTHON_COUNT; i++) {
        for (int opcode = 0; opcode < 256; opcode++) {
            uint8_t base = bs_opcode_base(pythons[i], (uint8_t)opcode);
            CHECK_EQ(bs_opcode_base(pythons[i], base), base);
        }
    }
}

TEST(opcodes, fields_of_caches_add_up) {
    for (size_t i = 0; i < PYTHON_COUNT; i++) {
        const struct bs_opcodes *opcodes = bs_opcodes_find(pythons[i]);
        unsigned int units[256] = {0};
        for (const struct bs_cache_field *field = opcodes->caches; field->name; field++) {
            CHECK(field->units >= 1 && field->units <= 4);
            units[field->opcode] += field->units;
        }
        for (int opcode = 0; opcode < 256; opcode++)
            CHECK_EQ(opcodes->opcodes[opcode].cache_units, units[opcode]);
    }
}

static void check_base(uint32_t python, const char *form, const char *base) {
    int number = number_of(python, form);
    if (CHECK(number >= 0))
        CHECK_TEXT(bs_opcode_name(python, bs_opcode_base(python, (uint8_t)number)), base);
}

TEST(opcodes, forms_of_each_kind_are_known) {
    check_base(0x030b0000, "BINARY_OP_ADAPTIVE", "BINARY_OP");
    check_base(0x030b0000, "JUMP_BACKWARD_QUICK", "JUMP_BACKWARD");
    check_base(0x030b0000, "LOAD_FAST__LOAD_CONST", "LOAD_FAST");
    check_base(0x030b0000, "PRECALL_NO_KW_LEN", "PRECALL");
    check_base(0x030c0000, "STORE_FAST__STORE_FAST", "STORE_FAST");
    check_base(0x030c0000, "INSTRUMENTED_CALL", "CALL");
    check_base(0x030c0000, "INSTRUMENTED_LINE", "INSTRUMENTED_LINE");
    check_base(0x030d0000, "TO_BOOL_ALWAYS_TRUE", "TO_BOOL");
    check_base(0x030d0000, "ENTER_EXECUTOR", "ENTER_EXECUTOR");
    check_base(0x030e0000, "LOAD_CONST_MORTAL", "LOAD_CONST");
    check_base(0x030e0000, "INSTRUMENTED_NOT_TAKEN", "NOT_TAKEN");
    check_base(0x030f0000, "RESUME_CHECK_JIT", "RESUME");
}

/* Include/opcode.h of each: what was generated is what that Python was compiled with. */
TEST(opcodes, numbers_are_those_of_the_headers) {
    CHECK_EQ(number_of(0x030a0000, "DICT_UPDATE"), 165);
    CHECK_EQ(number_of(0x030b0000, "BINARY_OP_ADD_FLOAT"), 4);
    CHECK_EQ(number_of(0x030b0000, "UNPACK_SEQUENCE_TWO_TUPLE"), 180);
    CHECK_EQ(number_of(0x030c0000, "INSTRUMENTED_LINE"), 254);
}

TEST(opcodes, other_versions_are_not_known) {
    static const uint32_t others[] = {0, 0x02070000, 0x03090000, 0x03100000, 0xffffffff};
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        CHECK(!bs_opcodes_find(others[i]));
        CHECK(!bs_opcode_name(others[i], 1));
        CHECK_EQ(bs_opcode_base(others[i], 1), 1);
    }
    for (size_t i = 0; i < PYTHON_COUNT; i++)
        CHECK(bs_opcodes_find(pythons[i] | 0xffff));
}
