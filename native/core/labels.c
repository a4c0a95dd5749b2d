#include "core/labels.h"

#include "core/number.h"
#include "format/image.h"

#include <stdio.h>

#define LABEL(table, value)                                                                        \
    ((value) < sizeof(table) / sizeof(*(table)) && (table)[value] ? (table)[value] : "unknown")

const char *bs_engine_label(uint32_t engine) {
    static const char *const labels[] = {
        [BS_ENGINE_AUTO] = "none",
        [BS_ENGINE_PROBE] = "probe",
        [BS_ENGINE_SETTRACE] = "settrace",
    };
    return LABEL(labels, engine);
}

const char *bs_clock_label(uint32_t clock) {
    static const char *const labels[] = {
        [BS_CLOCK_SYSTEM] = "system",
        [BS_CLOCK_TSC] = "tsc",
    };
    return LABEL(labels, clock);
}

const char *bs_outcome_label(uint32_t outcome) {
    static const char *const labels[] = {
        [BS_OUTCOME_NONE] = "none",
        [BS_OUTCOME_RETURNED] = "return",
        [BS_OUTCOME_RAISED] = "exception",
        [BS_OUTCOME_UNRESOLVED] = "unresolved",
        [BS_OUTCOME_REFUSED] = "refused",
        [BS_OUTCOME_CRASHED] = "crashed",
        [BS_OUTCOME_EXITED] = "exited",
        [BS_OUTCOME_TIMED_OUT] = "timed_out",
        [BS_OUTCOME_INTERRUPTED] = "interrupted",
    };
    return LABEL(labels, outcome);
}

const char *bs_statistic_label(enum bs_statistic statistic) {
    static const char *const labels[] = {
        [BS_STATISTIC_MIN] = "minimum",
        [BS_STATISTIC_MEDIAN] = "median",
        [BS_STATISTIC_MEAN] = "mean",
    };
    return LABEL(labels, statistic);
}

void bs_buffer_time(struct bs_buffer *buffer, double ns, double resolution_ns, int decimals,
                    enum bs_style style, int width) {
    const bool resolved = ns >= resolution_ns;
    bs_buffer_style(buffer, resolved ? style : BS_STYLE_DIM);
    if (!resolved) {
        bs_buffer_fill(buffer, ' ', width - bs_fixed_columns(resolution_ns, decimals) - 1);
        bs_buffer_char(buffer, '<');
        width = 0;
    }
    bs_buffer_fixed(buffer, resolved ? ns : resolution_ns, decimals, width);
    bs_buffer_text(buffer, " ns");
    bs_buffer_style(buffer, BS_STYLE_PLAIN);
}

/* See Include/patchlevel.h: major, minor, micro, then a nibble each for level and serial. */
void bs_python_version_text(uint32_t python, char ret[static BS_VERSION_BYTES]) {
    static const char levels[16][4] = {[0xa] = "a", [0xb] = "b", [0xc] = "rc"};
    const char *level = levels[(python >> 4) & 0xf];
    unsigned int major = python >> 24, minor = (python >> 16) & 0xff, micro = (python >> 8) & 0xff;
    if (!(python & 0xffff))
        snprintf(ret, BS_VERSION_BYTES, "%u.%u", major, minor);
    else if (!*level)
        snprintf(ret, BS_VERSION_BYTES, "%u.%u.%u", major, minor, micro);
    else
        snprintf(ret, BS_VERSION_BYTES, "%u.%u.%u%s%u", major, minor, micro, level, python & 0xf);
}

void bs_buffer_python(struct bs_buffer *buffer, uint32_t python) {
    char text[BS_VERSION_BYTES];
    bs_python_version_text(python, text);
    bs_buffer_text(buffer, text);
}
