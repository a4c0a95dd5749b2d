#include "agent/garbage.h"

#include "agent/python.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RUNS_BETWEEN 16
#define GROWTH_PAGES (256u << 8) /* 256 MB in pages of 4096 bytes */

/* Pages of this process that are in memory; 0 when it cannot be told. */
static uint64_t resident_pages(void) {
    char text[128];
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
    if (fd >= 0)
        close(fd);
    text[length > 0 ? length : 0] = '\0';
    const char *resident = strchr(text, ' '); /* the second number: proc(5) */
    return resident ? strtoull(resident, NULL, 10) : 0;
}

void bs_garbage_keep_theirs(void) {
    struct pending pending = bs_pending_save();
    _object_ freeze = bs_module_attr("gc", "freeze");
    _object_ none = freeze ? PyObject_CallNoArgs(freeze) : NULL;
    bs_pending_restore(&pending);
}

void bs_garbage_look(struct garbage *garbage) {
    if (garbage->pages && ++garbage->runs < RUNS_BETWEEN)
        return;
    garbage->runs = 0;
    uint64_t pages = resident_pages();
    if (garbage->pages && pages <= garbage->pages + GROWTH_PAGES)
        return;
    if (garbage->pages) {
        PyGC_Enable(); /* or it would do nothing */
        PyGC_Collect();
        PyGC_Disable();
        pages = resident_pages();
    }
    garbage->pages = pages;
}
