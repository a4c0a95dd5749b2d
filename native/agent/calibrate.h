/*
 * What an engine costs: the time that it measures for an instruction that does nothing. A code
 * object with a long run of NOPs is built and called under the engine.
 */
#ifndef BS_AGENT_CALIBRATE_H
#define BS_AGENT_CALIBRATE_H

#include "agent/engine.h"

struct calibration {
    double overhead_ticks; /* in one step */
    double spread_ticks;   /* interquartile range over the NOPs */
};

/*
 * Calibrate @p engine, which is open, and tell it. False: the run of NOPs could not be built, or
 * was not recorded as one; there is no exception set, and ret is all zero. The engine is told.
 */
bool bs_calibrate(const struct engine *engine, struct engine_setup *setup, struct calibration *ret);

#endif
