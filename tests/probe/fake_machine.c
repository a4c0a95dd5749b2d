#include "probe/fake_machine.h"

#include "agent/probe/pattern.h"
#include "agent/random.h"
#include "check.h"

#include <stdlib.h>

#define OPCODES     12
#define STAMP_TICKS 14
#define PASS_TICKS  4
#define SLOW        1.8  /* times as long, */
#define SLOW_RUNS   5000 /* for so many runs */

const bool machine_again[BS_TABLE_ENTRIES] = {[0 ... LEAVING - 1] = true};

static double uniform(struct machine *machine) {
    return bs_random_part(&machine->random);
}

struct observed *observed_new(int dispatches) {
    struct observed *observed = calloc(1, sizeof(*observed));
    if (!CHECK(observed && bs_reference_init(&observed->reference, machine_again))) {
        free(observed);
        return NULL;
    }
    struct machine *machine = &observed->machine;
    machine->random = 7;
    machine->dispatches = dispatches;
    for (int i = 0; i < BODY; i++) {
        machine->ticks[i] = 4 + 30 * uniform(machine) * uniform(machine);
        machine->opcodes[i] = (uint8_t)(20 + 3 * (i % OPCODES));
    }
    /* Of a run without a loop, the two ends are a good part. */
    machine->before_ticks = dispatches < BODY ? 45 : 0;
    machine->after_ticks = dispatches < BODY ? 25 : 0;
    return observed;
}

void observed_free(struct observed **observed) {
    if (!*observed)
        return;
    bs_corrections_deinit(&(*observed)->corrections);
    bs_refine_deinit(&(*observed)->refine);
    bs_reference_deinit(&(*observed)->reference);
    free(*observed);
}

static uint64_t clock_of(const struct machine *machine, double ticks) {
    return (uint64_t)((double)machine->now + ticks) / CLOCK_STEP * CLOCK_STEP;
}

static void begin_run(struct machine *machine) {
    machine->now += (uint64_t)(1e6 * uniform(machine));
    machine->start_ticks = clock_of(machine, 0);
    machine->varied_ticks = machine->waits_ticks * (0.7 + 0.6 * uniform(machine));
}

/* Whether visit number @p visit gets a stamp. */
static bool is_stamped(const struct bs_plan *plan, int phase, size_t visit) {
    if (plan)
        return plan->stamped[visit];
    return phase < 0 || bs_pattern_action((size_t)phase + visit) == BS_ACTION_STAMP;
}

/*
 * One run by @p plan; NULL: every dispatch stamped, or by the pattern in a @p phase that is not
 * negative. Returns how many records were written.
 */
static size_t machine_run(struct machine *machine, const struct bs_plan *plan, int phase) {
    const double speed = machine->slow ? SLOW : 1;
    double now = speed * machine->before_ticks, since = 1e9;
    size_t count = 0;
    begin_run(machine);
    for (int d = 0; d < machine->dispatches; d++) {
        int at = d % BODY;
        if (!plan || (count < plan->visit_count && plan->patched[machine->opcodes[at]])) {
            struct bs_record *record = &machine->records[count];
            bool stamped = is_stamped(plan, phase, count);
            record->value = CODE_ADDR + 2 * (uint64_t)at;
            record->opcode = machine->opcodes[at];
            count++;
            if (stamped) {
                /* Too near: the processor waits for its clock. */
                double wait =
                    since < FULL_TICKS - STAMP_TICKS ? FULL_TICKS - STAMP_TICKS - since : 0;
                now += speed * (STAMP_TICKS + wait);
                record->stamp = clock_of(machine, now);
                since = 0;
            } else {
                now += speed * PASS_TICKS;
            }
        }
        now += speed * machine->ticks[at];
        if (at == machine->waiting)
            now += machine->varied_ticks;
        since += machine->ticks[at];
    }
    now += speed * machine->after_ticks;
    machine->run_ticks = clock_of(machine, now) - clock_of(machine, 0);
    machine->now += (uint64_t)now;
    return count;
}

size_t machine_run_full(struct machine *machine) {
    return machine_run(machine, NULL, -1);
}

double machine_sum(const struct machine *machine) {
    double sum = machine->before_ticks + machine->after_ticks;
    for (int d = 0; d < machine->dispatches; d++)
        sum += machine->ticks[d % BODY];
    return sum;
}

/* A run without the probe. */
static void machine_run_bare(struct machine *machine) {
    begin_run(machine);
    machine->run_ticks = clock_of(machine, machine_sum(machine) * (machine->slow ? SLOW : 1) +
                                               machine->varied_ticks) -
                         clock_of(machine, 0);
}

void observed_repeat(struct observed *observed, int runs) {
    struct machine *machine = &observed->machine;
    for (int i = 0; i < runs; i++) {
        machine->slow = i % 3 == 0;
        size_t count = machine_run_full(machine);
        bs_reference_take(&observed->reference, machine->records, count);
        bs_fastest_settle(&observed->reference.times, (double)machine->run_ticks, CLOCK_STEP);
    }
}

bool observed_refine(struct observed *observed, int runs) {
    struct machine *machine = &observed->machine;
    struct bs_refine *refine = &observed->refine;
    bool is_new;
    if (!CHECK(bs_refine_init(refine, &observed->reference, (uint64_t)machine->dispatches,
                              CLOCK_STEP)))
        return false;
    for (int i = 0; i < runs; i++) {
        enum bs_run_kind kind = bs_refine_next(refine, &is_new);
        size_t count = 0;
        machine->slow = i / SLOW_RUNS % 2;
        if (kind == BS_RUN_BARE)
            machine_run_bare(machine);
        else
            count = machine_run(machine, kind == BS_RUN_TRIAL ? bs_refine_plan(refine) : NULL,
                                kind == BS_RUN_PATTERN ? (int)bs_refine_phase(refine) : -1);
        bs_refine_take(refine, machine->records, count, machine->start_ticks,
                       machine->start_ticks + machine->run_ticks);
    }
    return CHECK(bs_refine_solve(refine, STAMP_TICKS));
}

void observed_correct(struct observed *observed, int32_t offset_bytes,
                      const struct bs_repeated *repeated) {
    const struct bs_stream stream = {.offset_bytes = offset_bytes};
    bs_corrections_deinit(&observed->corrections);
    bs_corrections_make(&observed->corrections, &observed->reference, &observed->refine, &stream,
                        repeated);
}

struct step observed_step(const struct observed *observed, size_t index) {
    struct step step = {.where = CODE_ADDR + 2 * index,
                        .opcode = observed->machine.opcodes[index % BODY]};
    bs_correct(&observed->corrections, index, &step);
    return step;
}
