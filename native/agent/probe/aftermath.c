#include "agent/probe/aftermath.h"

#include <math.h>
#include <stdlib.h>

#define ALIKE_LEAST 4  /* executions of an opcode that make a usual time */
#define FAR         20 /* median deviations from the median: one so far off, and more, counts less */

/* Ticks by which times scatter in any case: some opcodes seem to take always the same. */
#define SCATTER_LEAST 4

/* A median deviation in standard deviations of a normal distribution. */
#define DEVIATIONS 1.4826

/*
 * Beforehand a part is not known to be anything but small: a third of a time in all. That keeps
 * short functions, which tell little, from telling much.
 */
#define USUAL_PART (0.3 / BS_AFTERMATH_REACH)
/* Some functions look like a fifth more. Measured: where more was charged, times became worse. */
#define PART_MOST (0.3 / BS_AFTERMATH_REACH)

/* One execution of an opcode. */
struct execution {
    uint8_t opcode;
    double ticks, before; /* its own, and of the dispatches before it */
    double weight;
};

/* Sums for a regression through the means of each opcode. */
struct moments {
    double both, before; /* products: of ticks and before, and of before with itself */
};

static int compare_executions(const void *a, const void *b) {
    const struct execution *x = a, *y = b;
    if (x->opcode != y->opcode)
        return x->opcode < y->opcode ? -1 : 1;
    return (x->ticks > y->ticks) - (x->ticks < y->ticks);
}

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Executions in order, from all but the first few, before which too little is known. */
static size_t list(const struct bs_dispatch *dispatches, const double *ticks, size_t count,
                   struct execution *ret) {
    double before = 0;
    size_t listed = 0;
    for (size_t i = 0; i < count; i++) {
        if (i >= BS_AFTERMATH_REACH)
            ret[listed++] = (struct execution){
                .opcode = dispatches[i].opcode, .ticks = ticks[i], .before = before};
        before += ticks[i];
        if (i >= BS_AFTERMATH_REACH)
            before -= ticks[i - BS_AFTERMATH_REACH];
    }
    return listed;
}

/* How far @p count executions of one opcode are from their median, in @p room; sorted by time. */
static double spread_of(const struct execution *same, size_t count, double *room) {
    const double median = same[count / 2].ticks;
    for (size_t i = 0; i < count; i++)
        room[i] = fabs(same[i].ticks - median);
    qsort(room, count, sizeof(*room), compare_doubles);
    return room[count / 2];
}

/* By how well the opcode's time is known, and less for what is far from it (Huber 1964). */
static void weigh(struct execution *same, size_t count, double *room) {
    const double median = same[count / 2].ticks;
    const double spread = spread_of(same, count, room) + SCATTER_LEAST;
    for (size_t i = 0; i < count; i++) {
        double off = fabs(same[i].ticks - median), weight = 1 / pow(DEVIATIONS * spread, 2);
        same[i].weight = off > FAR * spread ? weight * FAR * spread / off : weight;
    }
}

static void add_moments(const struct execution *same, size_t count, struct moments *moments) {
    double weights = 0, ticks = 0, before = 0;
    for (size_t i = 0; i < count; i++) {
        weights += same[i].weight;
        ticks += same[i].weight * same[i].ticks;
        before += same[i].weight * same[i].before;
    }
    for (size_t i = 0; i < count; i++) {
        double off = same[i].before - before / weights;
        moments->both += same[i].weight * off * (same[i].ticks - ticks / weights);
        moments->before += same[i].weight * off * off;
    }
}

static struct moments sum_up(struct execution *executions, size_t count, double *room) {
    struct moments moments = {};
    qsort(executions, count, sizeof(*executions), compare_executions);
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i; end < count && executions[end].opcode == executions[i].opcode; end++)
            ;
        if (end - i < ALIKE_LEAST)
            continue;
        weigh(executions + i, end - i, room);
        add_moments(executions + i, end - i, &moments);
    }
    return moments;
}

bool bs_aftermath_find(const struct bs_dispatch *dispatches, const double *ticks, size_t count,
                       struct bs_aftermath *ret) {
    struct execution *executions = malloc((count + 1) * sizeof(*executions));
    double *room = malloc((count + 1) * sizeof(*room));
    const bool known = executions && room;
    if (known) {
        size_t listed = list(dispatches, ticks, count, executions);
        struct moments moments = sum_up(executions, listed, room);
        const double certainty = moments.before + 1 / (USUAL_PART * USUAL_PART);
        ret->part = fmin(fmax(moments.both / certainty, 0), PART_MOST);
        ret->error_part = 1 / sqrt(certainty);
    }
    free(executions);
    free(room);
    return known;
}

/* How many of @p count dispatches wait for number @p index. */
static double waiting(size_t index, size_t count) {
    size_t after = count - 1 - index;
    return (double)(after < BS_AFTERMATH_REACH ? after : BS_AFTERMATH_REACH);
}

/* What some took less than nothing is taken off others of the opcode; then the sum is as before. */
static void cut_at_nothing(const struct bs_dispatch *dispatches, size_t count, double *ticks) {
    double sums[BS_TABLE_ENTRIES] = {}, above[BS_TABLE_ENTRIES] = {}, before = 0, after = 0;
    for (size_t i = 0; i < count; i++) {
        sums[dispatches[i].opcode] += ticks[i];
        above[dispatches[i].opcode] += fmax(ticks[i], 0);
        before += ticks[i];
    }
    for (size_t i = 0; i < count; i++) {
        const uint8_t opcode = dispatches[i].opcode;
        if (sums[opcode] > 0 && ticks[i] > 0)
            ticks[i] *= sums[opcode] / above[opcode];
        else
            ticks[i] = 0;
        after += ticks[i];
    }
    for (size_t i = 0; i < count && after > 0; i++)
        ticks[i] *= fmax(before, 0) / after;
}

void bs_aftermath_charge(const struct bs_aftermath *aftermath, const struct bs_dispatch *dispatches,
                         const double *ticks, size_t count, double *ret_ticks) {
    double before = 0, waited = 0, caused = 0;
    for (size_t i = 0; i < count; i++) {
        const double wait = aftermath->part * before;
        ret_ticks[i] = ticks[i] - wait;
        waited += wait;
        caused += ret_ticks[i] * waiting(i, count);
        before += ticks[i] - (i >= BS_AFTERMATH_REACH ? ticks[i - BS_AFTERMATH_REACH] : 0);
    }
    const double part = caused > 0 ? waited / caused : 0;
    for (size_t i = 0; i < count; i++)
        ret_ticks[i] *= 1 + part * waiting(i, count);
    cut_at_nothing(dispatches, count, ret_ticks);
    for (size_t i = 0; i < count; i++)
        ret_ticks[i] -= ticks[i];
}

void bs_aftermath_errors(const struct bs_aftermath *aftermath, const double *ticks, size_t count,
                         double *ret_ticks) {
    for (size_t i = 0; i < count; i++) {
        const double wait = fmax(0, ticks[i]) * aftermath->error_part;
        ret_ticks[i] = 0;
        for (size_t after = i + 1; after < count && after <= i + BS_AFTERMATH_REACH; after++)
            ret_ticks[i] += fmin(wait, fmax(0, ticks[after]));
    }
}
