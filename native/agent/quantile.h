/* Quantiles of times. */
#ifndef BS_AGENT_QUANTILE_H
#define BS_AGENT_QUANTILE_H

#include <stddef.h>

/* Sort the @p count ticks at @p values and give their quantile @p part, 0.5 the median; 0: none. */
double bs_quantile(float *values, size_t count, double part);

#endif
