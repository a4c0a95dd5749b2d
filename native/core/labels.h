/* The words for what a trace header says in numbers. */
#ifndef BS_CORE_LABELS_H
#define BS_CORE_LABELS_H

#include "core/buffer.h"
#include "core/timing.h"

const char *bs_engine_label(uint32_t engine);   /* enum bs_engine: "probe" */
const char *bs_clock_label(uint32_t clock);     /* enum bs_clock: "tsc" */
const char *bs_outcome_label(uint32_t outcome); /* enum bs_outcome: "return", "timed_out" */
const char *bs_statistic_label(enum bs_statistic statistic); /* "minimum" */

/*
 * Append @p ns, a shown time, with @p decimals, padded on the left to @p width columns before its
 * unit; "<0.5 ns" and dim where it is below @p resolution_ns and cannot be told from nothing.
 */
void bs_buffer_time(struct bs_buffer *buffer, double ns, double resolution_ns, int decimals,
                    enum bs_style style, int width);

/* PY_VERSION_HEX as Python spells it: "3.13.0", "3.15.0rc1"; "3.10" where no more is known. */
#define BS_VERSION_BYTES 24
void bs_python_version_text(uint32_t python, char ret[static BS_VERSION_BYTES]);
void bs_buffer_python(struct bs_buffer *buffer, uint32_t python);

#endif
