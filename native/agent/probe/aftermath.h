/*
 * The aftermath: what an instruction costs those that run after it.
 *
 * A stamp tells when the next instruction was dispatched, and that is before all is paid. One that
 * ran much C code leaves work under way, and branch prediction and caches that are worse for what
 * comes next; stamps charge that to who waits. How much it is, the function tells by itself: the
 * same opcode takes longer where much time passed in the few dispatches before it. So
 *
 *     time of a dispatch = usual time of its opcode + part * time of the REACH dispatches before it
 *
 * with one unknown, `part`, for the whole function, by weighted least squares over all opcodes that
 * run several times; those that are very far from usual, for reasons of their own, count less. What
 * is found is then taken off who waited and charged to what was waited for. The sum stays.
 *
 * Measured (tests/bench/accuracy.py) on 3.10 to 3.13: parts of 0 to 0.03, that is up to a third
 * of an instruction's time. One number, not one for each opcode: those scatter by more than they
 * are.
 *
 * Times are what the fit left, and a short one may be a little less than nothing. Cut off at
 * nothing at once, sums over short instructions would come out too long; so that is done last, and
 * what it adds is taken off others of the opcode. Pure arithmetic, in clock ticks.
 */
#ifndef BS_AGENT_PROBE_AFTERMATH_H
#define BS_AGENT_PROBE_AFTERMATH_H

#include "agent/probe/reference.h"

#include <stdbool.h>
#include <stddef.h>

/* Dispatches that wait for one before them. Measured: 8 are too few on 3.10, 16 tell no more. */
#define BS_AFTERMATH_REACH 12

struct bs_aftermath {
    double part;       /* of its time, what one costs each of those after it; at least 0 */
    double error_part; /* standard error of that */
};

/*
 * From @p ticks of each of @p count @p dispatches. A part of 0: there is none, or the function does
 * not tell. False: no memory.
 */
bool bs_aftermath_find(const struct bs_dispatch *dispatches, const double *ticks, size_t count,
                       struct bs_aftermath *ret);

/*
 * What each of @p count @p dispatches is charged beyond its own @p ticks, into @p ret_ticks; less
 * than 0 where it waited for others. Nobody is left with less than nothing.
 */
void bs_aftermath_charge(const struct bs_aftermath *aftermath, const struct bs_dispatch *dispatches,
                         const double *ticks, size_t count, double *ret_ticks);

/* The standard error of each of those charges, likewise. Nobody waited for longer than it took. */
void bs_aftermath_errors(const struct bs_aftermath *aftermath, const double *ticks, size_t count,
                         double *ret_ticks);

#endif
