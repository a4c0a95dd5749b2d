/* The table: what is not one, and that patching leaves no trace. */
#include "agent/probe/infer.h"
#include "agent/probe/maps.h"
#include "agent/probe/stubs.h"
#include "agent/probe/table.h"
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

static void *page(int protection, void *const entries[], size_t count) {
    void **made = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(made, entries, count * sizeof(void *));
    mprotect(made, 8192, protection);
    return made;
}

static void fill(void *entries[BS_TABLE_ENTRIES], void *value) {
    for (int i = 0; i < BS_TABLE_ENTRIES; i++)
        entries[i] = value;
}

static struct bs_table_candidate candidate(void *table) {
    return (struct bs_table_candidate){.table_addr = (uintptr_t)table, .entries = 256};
}

/* The mapping of @p addr, as /proc/self/maps has it: "start-end rwxp ..." */
static char *mapping_text(const void *addr) {
    static char line[512];
    FILE *maps = fopen("/proc/self/maps", "r");
    uintptr_t start = 0, end = 0;
    while (end <= (uintptr_t)addr && fgets(line, sizeof(line), maps))
        sscanf(line, "%lx-%lx", &start, &end);
    fclose(maps);
    return strdup(line);
}

static void check_patching(int protection) {
    void *entries[BS_TABLE_ENTRIES], *others[BS_TABLE_ENTRIES];
    fill(entries, (void *)(uintptr_t)printf);
    entries[3] = (void *)(uintptr_t)puts;
    fill(others, (void *)0x1234);
    void *table_page = page(protection, entries, BS_TABLE_ENTRIES);
    struct bs_table_candidate found = candidate(table_page);
    struct bs_table table;
    CHECK(!bs_table_examine(&found, &table));
    CHECK_EQ(table.protection, protection);
    char *before = mapping_text(table_page);
    CHECK_EQ(bs_table_patch(&table, others), 0);
    CHECK(!memcmp(table_page, others, sizeof(others)));
    char *during = mapping_text(table_page);
    CHECK_TEXT(during, before);
    CHECK_EQ(bs_table_restore(&table), 0);
    CHECK(!memcmp(table_page, entries, sizeof(entries)));
    CHECK_EQ(bs_table_patch(&table, others), 0);
    CHECK_EQ(bs_table_abandon(), 0);
    CHECK(!memcmp(table_page, entries, sizeof(entries)));
    char *after = mapping_text(table_page);
    CHECK_TEXT(after, before);
    free(before);
    free(during);
    free(after);
    bs_table_deinit(&table);
    munmap(table_page, 8192);
    CHECK_EQ(bs_table_abandon(), 0); /* none is patched */
}

TEST(table, patching_and_restoring_leaves_bytes_and_protection) {
    check_patching(PROT_READ);
}

TEST(table, patching_among_code_leaves_bytes_and_protection) {
    check_patching(PROT_READ | PROT_EXEC);
}

TEST(table, other_things_are_refused) {
    void *entries[BS_TABLE_ENTRIES];
    struct bs_table table;
    fill(entries, (void *)(uintptr_t)printf);
    void *gone = page(PROT_READ, entries, BS_TABLE_ENTRIES);
    struct bs_table_candidate found = candidate(gone);
    munmap(gone, 8192);
    CHECK(bs_table_examine(&found, &table) != NULL);

    entries[200] = entries;
    void *data = page(PROT_READ, entries, BS_TABLE_ENTRIES);
    found = candidate(data);
    CHECK(bs_table_examine(&found, &table) != NULL);
    found = candidate((char *)data + 8192 - 8);
    CHECK(bs_table_examine(&found, &table) != NULL);
    found = candidate((char *)data + 1);
    CHECK(bs_table_examine(&found, &table) != NULL);
    found = candidate(data);
    found.entries = UINT32_MAX;
    CHECK(bs_table_examine(&found, &table) != NULL);
    munmap(data, 8192);
}

TEST(maps, memory_is_found_near) {
    struct bs_maps maps;
    uintptr_t here = (uintptr_t)mapping_text;
    CHECK_EQ(bs_maps_read(&maps), 0);
    for (size_t i = 1; i < maps.count; i++)
        CHECK(maps.items[i - 1].end_addr <= maps.items[i].start_addr);
    const struct bs_mapping *code = bs_maps_find(&maps, here);
    CHECK(code && code->protection == (PROT_READ | PROT_EXEC));
    CHECK(!bs_maps_find(&maps, 1));
    char *near = bs_maps_allocate_near(&maps, here, here + 5, 100000);
    if (CHECK(near != NULL)) {
        int64_t distance = near - (char *)here;
        CHECK(distance == (int32_t)distance);
        CHECK(distance + 100000 == (int32_t)(distance + 100000));
        memset(near, 1, 100000);
        munmap(near, 100000);
    }
    /* Nothing is near both ends of memory. */
    CHECK(!bs_maps_allocate_near(&maps, 0x10000, here, 4096));
    bs_maps_deinit(&maps);
}

/* A debugger turns off address randomisation: then the stack is near the libraries. */
TEST(maps, memory_is_found_away_from_the_stack) {
    struct bs_maps maps;
    struct rlimit limit;
    size_t i = 0;
    CHECK_EQ(bs_maps_read(&maps), 0);
    CHECK_EQ(getrlimit(RLIMIT_STACK, &limit), 0);
    while (i < maps.count && !maps.items[i].is_stack)
        i++;
    if (CHECK(i < maps.count)) {
        const uintptr_t stack = maps.items[i].start_addr;
        const uintptr_t room = limit.rlim_cur < 1ul << 30 ? limit.rlim_cur : 1ul << 30;
        CHECK(stack < (uintptr_t)&limit && (uintptr_t)&limit < maps.items[i].end_addr);
        char *near = bs_maps_allocate_near(&maps, stack, stack, 100000);
        if (CHECK(near != NULL)) {
            CHECK((uintptr_t)near > stack || stack - (uintptr_t)near - 100000 >= room);
            munmap(near, 100000);
        }
    }
    bs_maps_deinit(&maps);
}

/* Words of the frame are read where they are, and what is no frame pointer does no harm. */
TEST(holder, reads_registers_and_words_of_the_frame) {
    static const uint64_t stack[BS_FRAME_WORDS] = {[3] = 4711, [BS_FRAME_WORDS - 1] = 4712};
    struct bs_holder_record record;
    uint64_t registers[BS_MACHINE_REGISTERS];
    for (int i = 0; i < BS_MACHINE_REGISTERS; i++)
        registers[i] = 1000 + (uint64_t)i;
    const int base = bs_stubs_frame_bases[0].index;
    registers[base] = (uintptr_t)stack - (uintptr_t)bs_stubs_frame_bases[0].displacement_bytes;
    bs_holder_read_all(registers, &record);
    for (int i = 0; i < BS_HOLDER_COUNT; i++) {
        const struct bs_holder holder = bs_holder_numbered(i);
        const uint64_t expected = i < BS_MACHINE_REGISTERS ? registers[i]
                                  : i < BS_MACHINE_REGISTERS + BS_FRAME_WORDS
                                      ? stack[i - BS_MACHINE_REGISTERS]
                                      : 0;
        CHECK_EQ(record.value[i], expected);
        CHECK_EQ(bs_holder_read(holder, registers[holder.index]), expected);
    }
}

#define RECORDS 40

/* A known function of RECORDS instructions, and records of its run: @p holder leads to them. */
static uint8_t known[2 * RECORDS];
static void make_records(struct bs_holder_record *records, int holder, int32_t offset,
                         uint32_t base) {
    for (int i = 0; i < RECORDS; i++) {
        known[2 * i] = (uint8_t)(17 * i + 3);
        records[i] = (struct bs_holder_record){.entry = base + known[2 * i]};
        for (int r = 0; r < BS_HOLDER_COUNT; r++) /* inside, and always the same */
            records[i].value[r] = (uintptr_t)known + 2 * (uintptr_t)r;
        records[i].value[4] = (uintptr_t)&known[2 * (i ? i - 1 : 0)]; /* lags behind */
        records[i].value[holder] = (uintptr_t)&known[2 * i] - (uintptr_t)(intptr_t)offset;
    }
}

TEST(infer, finds_holder_offset_and_base) {
    static const struct {
        int holder;
        int32_t offset;
        uint32_t base;
    } cases[] = {{9, 0, 0}, {9, -2, 0}, {12, 0, 256}, {15, -2, 17}, {50, 0, 1}, {200, -2, 5}};
    struct bs_holder_record records[RECORDS + 1];
    const struct bs_code_range range = {(uintptr_t)known, (uintptr_t)known + sizeof(known)};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bs_inference found;
        make_records(records, cases[i].holder, cases[i].offset, cases[i].base);
        /* The evaluator's own instruction, by which it leaves. */
        records[RECORDS] = records[0];
        records[RECORDS].value[cases[i].holder] = 0x1000;
        if (!CHECK(bs_infer(records, RECORDS + 1, range, 600, &found)))
            continue;
        CHECK_EQ(found.number, cases[i].holder);
        CHECK_EQ(found.offset_bytes, cases[i].offset);
        CHECK_EQ(found.base, cases[i].base);
    }
}

TEST(infer, declines_what_fits_nearly) {
    struct bs_holder_record records[RECORDS];
    const struct bs_code_range range = {(uintptr_t)known, (uintptr_t)known + sizeof(known)};
    struct bs_inference found;
    make_records(records, 9, 0, 0);
    records[20].value[9] += 2;
    CHECK(!bs_infer(records, RECORDS, range, 256, &found));
    make_records(records, 9, 0, 0);
    records[20].entry++;
    CHECK(!bs_infer(records, RECORDS, range, 256, &found));
    make_records(records, 9, 0, 0);
    CHECK(!bs_infer(records, 5, range, 256, &found));
    CHECK(!bs_infer(records, RECORDS, range, 200, &found));
    CHECK(bs_infer(records, RECORDS, range, 256, &found));
}
