/* The reference: which path it keeps, and what runs off it do to it. */
#include "check.h"
#include "probe/fake_machine.h"

#include <math.h>

/* So many @p runs; of the last @p strays, two in four take another path at dispatch @p index. */
static void stray_at(struct observed *observed, size_t index, int strays, int runs) {
    struct machine *machine = &observed->machine;
    for (int i = 0; i < runs; i++) {
        size_t count = machine_run_full(machine);
        machine->records[index].value ^= i >= runs - strays ? i & 2 : 0;
        bs_reference_take(&observed->reference, machine->records, count);
    }
}

/* Runs off the path are not taken; when they are frequent, the reference ends where they leave. */
TEST(reference, is_cut_to_what_runs_share) {
    _cleanup_observed_ struct observed *observed = observed_new(DISPATCHES);
    if (!observed)
        return;
    const struct bs_reference *reference = &observed->reference;
    observed_repeat(observed, 20);
    CHECK_EQ(reference->count, DISPATCHES);
    stray_at(observed, 400, 1, 20);
    CHECK_EQ(reference->count, DISPATCHES);
    stray_at(observed, 400, 20, 20);
    CHECK_EQ(reference->count, 400);
    stray_at(observed, 50, 100, 100);
    CHECK(reference->count >= 25 && reference->count <= 50);
}

/* An instruction that is dispatched again, as it specialises itself, is no other path. */
TEST(reference, takes_dispatching_again_as_one) {
    struct bs_record records[] = {{.value = 2, .opcode = 1},
                                  {.value = 4, .opcode = 2, .stamp = 10},
                                  {.value = 4, .opcode = 3, .stamp = 15},
                                  {.value = 6, .opcode = 4, .stamp = 30}};
    struct bs_record plain[] = {records[0], records[2], records[3]};
    struct bs_reference reference;
    double ticks[3];
    plain[1].stamp = 10;
    if (!CHECK(bs_reference_init(&reference, machine_again)))
        return;
    CHECK_EQ(bs_reference_take(&reference, records, 4), 30);
    CHECK_EQ(bs_reference_take(&reference, plain, 3), 30);
    bs_fastest_settle(&reference.times, 30, 1);
    CHECK_EQ(reference.count, 3);
    CHECK_EQ(reference.strayed, 0);
    CHECK_EQ(reference.dispatches[1].opcode, 3);
    CHECK(bs_reference_ticks(&reference, INT32_MAX, 0, ticks));
    CHECK(fabs(ticks[0] - 10) < 1e-9 && fabs(ticks[1] - 20) < 1e-9);
    bs_reference_deinit(&reference);
}

/* In `def f(n): return n and f(n - 1)` one return comes right after the other. */
TEST(reference, parts_returns_that_follow_each_other) {
    struct bs_record records[] = {{.value = 2, .opcode = 1},
                                  {.value = 4, .opcode = LEAVING, .stamp = 10},
                                  {.value = 4, .opcode = LEAVING, .stamp = 15},
                                  {.value = 4, .opcode = LEAVING, .stamp = 30}};
    struct bs_reference reference;
    if (!CHECK(bs_reference_init(&reference, machine_again)))
        return;
    CHECK_EQ(bs_reference_take(&reference, records, 4), 30);
    CHECK_EQ(reference.count, 4);
    bs_reference_deinit(&reference);
}
