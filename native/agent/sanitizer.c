#include "agent/sanitizer.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* Of sanitizer/asan_interface.h. They are in the program or in a library of its own. */
typedef void report_fn(const char *text);
typedef void set_report_fn(report_fn *fn);
typedef void *report_pc_fn(void);

static struct control *report_to;
static report_pc_fn *report_pc;

/*
 * "==PID==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x... at pc 0x...": without the
 * registers, which are those of a process that is gone.
 */
static void on_report(const char *text) {
    const char *start = strstr(text, "AddressSanitizer: ");
    if (!start)
        return;
    size_t length = strcspn(start, "\n");
    const char *registers = strstr(start, " at pc ");
    if (registers && registers < start + length)
        length = (size_t)(registers - start);
    snprintf(report_to->report, sizeof(report_to->report), "%.*s", (int)length, start);
    if (report_pc)
        bs_control_image(report_to)->fault_addr = (uint64_t)(uintptr_t)report_pc();
}

void bs_sanitizer_watch(struct control *control) {
    set_report_fn *set_report;
    void *found = dlsym(RTLD_DEFAULT, "__asan_set_error_report_callback");
    memcpy(&set_report, &found, sizeof(set_report));
    found = dlsym(RTLD_DEFAULT, "__asan_get_report_pc");
    memcpy(&report_pc, &found, sizeof(report_pc));
    report_to = control;
    if (set_report)
        set_report(on_report);
}
