/*
 * The pattern: which dispatches of a repeat get a stamp. Of seven in a row the first, the second
 * and the fourth do, the others are only noted: where a stamp takes as long as six short
 * instructions, as on some machines, one at every dispatch would make a run many times longer, and
 * other things than the program's would be timed. These three are a perfect difference set (Singer,
 * 1938): any two dispatches that are fewer than seven apart both have a stamp in one of the seven
 * phases that the pattern can begin in. So each instruction gets its time in some repeats, also one
 * that takes several dispatches. The pattern is that of the dispatches alone, whatever they are,
 * and stays the same for some runs, so that the processor's branch prediction learns it.
 */
#ifndef BS_AGENT_PROBE_PATTERN_H
#define BS_AGENT_PROBE_PATTERN_H

#include "agent/probe/stubs.h"

#define BS_PATTERN_PHASES 7 /* a run in phase N begins with the N-th dispatch of the pattern */

/* What is done at dispatch number @p index of the pattern. */
static inline enum bs_action bs_pattern_action(size_t index) {
    const size_t at = index % BS_PATTERN_PHASES;
    return at == 0 || at == 1 || at == 3 ? BS_ACTION_STAMP : BS_ACTION_PASS;
}

#endif
