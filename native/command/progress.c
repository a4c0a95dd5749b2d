#include "command/progress.h"

#include "command/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define REDRAW_NS   (100 * BS_NS_PER_MS)
#define PATIENCE_NS (300 * BS_NS_PER_MS) /* what is over by then needs no line */
#define BAR_COLUMNS 30

void bs_progress_init(struct bs_progress *progress, const struct bs_host *host) {
    *progress = (struct bs_progress){.host = host, .started_ns = bs_clock_now_ns()};
}

void bs_progress_deinit(struct bs_progress *progress) {
    if (progress->host && progress->drawn_ns)
        progress->host->progress(progress->host->arg, "");
    progress->drawn_ns = 0;
}

void bs_progress_text(const char *what, uint64_t done, uint64_t total, uint64_t elapsed_ns,
                      char *ret, size_t size) {
    unsigned int seconds = (unsigned int)(elapsed_ns / BS_NS_PER_S % 1000000);
    char bar[BAR_COLUMNS + 1];
    if (!total) {
        snprintf(ret, size, "%-28.28s %u:%02u", what, seconds / 60, seconds % 60);
        return;
    }
    if (done > total)
        done = total;
    double share = (double)done / (double)total;
    int filled = (int)(share * BAR_COLUMNS);
    memset(bar, '.', BAR_COLUMNS);
    memset(bar, '#', (size_t)filled);
    bar[BAR_COLUMNS] = '\0';
    snprintf(ret, size, "%-28.28s [%s] %3d%%  %u:%02u", what, bar, (int)(share * 100), seconds / 60,
             seconds % 60);
}

void bs_progress_update(struct bs_progress *progress, const char *what, uint64_t done,
                        uint64_t total) {
    char text[80];
    uint64_t now_ns = bs_clock_now_ns(), elapsed_ns = now_ns - progress->started_ns;
    if (elapsed_ns < PATIENCE_NS || now_ns - progress->drawn_ns < REDRAW_NS)
        return;
    bs_progress_text(what, done, total, elapsed_ns, text, sizeof(text));
    progress->drawn_ns = now_ns;
    progress->host->progress(progress->host->arg, text);
}
