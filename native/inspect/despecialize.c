#include "inspect/despecialize.h"

#include "core/opcodes.h"
#include "inspect/field.h"

#include <string.h>

/*
 * Opcodes that stand in for another one, which is kept in a side table: Python/instrumentation.c,
 * _Py_GetBaseCodeUnit.
 */
enum stand_in {
    STAND_IN_LINE,        /* INSTRUMENTED_LINE: code.monitoring->lines */
    STAND_IN_INSTRUCTION, /* INSTRUMENTED_INSTRUCTION: code.monitoring->opcodes */
    STAND_IN_EXECUTOR,    /* ENTER_EXECUTOR: code.executors, by argument */
    STAND_IN_COUNT,
};
static const char *const stand_in_names[STAND_IN_COUNT] = {
    [STAND_IN_LINE] = "INSTRUMENTED_LINE",
    [STAND_IN_INSTRUCTION] = "INSTRUMENTED_INSTRUCTION",
    [STAND_IN_EXECUTOR] = "ENTER_EXECUTOR",
};

struct tables {
    const struct bs_interpreter *python;
    int stand_ins[STAND_IN_COUNT];     /* -1 where this version has none */
    uint64_t lines_addr, opcodes_addr; /* 0: none */
    uint64_t line_stride;
    uint64_t executors_addr, executors;
};

static struct bs_error *open_monitoring(struct tables *tables, uint64_t code_addr) {
    const struct bs_interpreter *python = tables->python;
    uint64_t monitoring_addr;
    if (!bs_has_field(python, code, monitoring))
        return NULL;
    struct bs_error *error = bs_field(python, code_addr, code, monitoring, &monitoring_addr);
    if (error || !monitoring_addr)
        return error;
    error = bs_field(python, monitoring_addr, monitoring, lines, &tables->lines_addr);
    if (!error)
        error = bs_field(python, monitoring_addr, monitoring, opcodes, &tables->opcodes_addr);
    tables->line_stride = 2;
    if (!error && tables->lines_addr && bs_has_field(python, lines, stride))
        error = bs_field(python, tables->lines_addr, lines, stride, &tables->line_stride);
    return error;
}

static struct bs_error *open_executors(struct tables *tables, uint64_t code_addr) {
    const struct bs_interpreter *python = tables->python;
    if (!bs_has_field(python, code, executors))
        return NULL;
    struct bs_error *error = bs_field(python, code_addr, code, executors, &tables->executors_addr);
    if (!error && tables->executors_addr)
        error = bs_field(python, tables->executors_addr, executors, size, &tables->executors);
    return error;
}

/* One byte of a table of the target. */
static struct bs_error *read_byte(const struct tables *tables, uint64_t addr, const char *what,
                                  uint8_t *ret) {
    return bs_read_bytes(tables->python->target, addr, what, ret, 1);
}

static struct bs_error *enter_executor(const struct tables *tables, uint8_t *unit) {
    const struct bs_interpreter *python = tables->python;
    uint64_t executor_addr, opcode, oparg;
    if (unit[1] >= tables->executors)
        return NULL;
    uint64_t item_addr =
        tables->executors_addr + (uint32_t)python->layout.executors_items + unit[1] * 8ull;
    struct bs_error *error =
        bs_read_u64(python->target, item_addr, "executors.items", &executor_addr);
    if (!error)
        error = bs_field(python, executor_addr, executor, opcode, &opcode);
    if (!error)
        error = bs_field(python, executor_addr, executor, oparg, &oparg);
    if (!error) {
        unit[0] = (uint8_t)opcode;
        unit[1] = (uint8_t)oparg;
    }
    return error;
}

/* Put back what unit number @p index was before a tool replaced it. */
static struct bs_error *restore(const struct tables *tables, uint8_t *unit, size_t index) {
    const struct bs_layout *layout = &tables->python->layout;
    struct bs_error *error = NULL;
    if (unit[0] == tables->stand_ins[STAND_IN_EXECUTOR])
        return enter_executor(tables, unit);
    if (unit[0] == tables->stand_ins[STAND_IN_LINE] && tables->lines_addr)
        error = read_byte(
            tables, tables->lines_addr + (uint32_t)layout->lines_data + index * tables->line_stride,
            "lines.data", unit);
    if (!error && unit[0] == tables->stand_ins[STAND_IN_INSTRUCTION] && tables->opcodes_addr)
        error = read_byte(tables, tables->opcodes_addr + index, "monitoring.opcodes", unit);
    return error;
}

struct bs_error *bs_despecialize(const struct bs_interpreter *python, uint64_t code_addr,
                                 uint8_t *bytes, size_t units) {
    const struct bs_opcodes *rows = bs_opcodes_find(python->python);
    struct tables tables = {.python = python};
    if (!rows)
        return bs_error_create(BS_ERROR_UNSUPPORTED, "no opcodes are known for this Python");
    for (size_t i = 0; i < STAND_IN_COUNT; i++)
        tables.stand_ins[i] = bs_opcodes_number(rows, stand_in_names[i]);
    struct bs_error *error = open_monitoring(&tables, code_addr);
    if (!error)
        error = open_executors(&tables, code_addr);
    for (size_t i = 0; i < units;) {
        uint8_t *unit = bytes + i * 2;
        /* After a fault in the side tables the rest is still worth having. */
        if (!error)
            error = restore(&tables, unit, i);
        unit[0] = rows->opcodes[unit[0]].base;
        size_t caches = rows->opcodes[unit[0]].cache_units, left = units - i - 1;
        caches = caches < left ? caches : left;
        memset(unit + 2, 0, caches * 2);
        i += 1 + caches;
    }
    return bs_error_forgive(error);
}
