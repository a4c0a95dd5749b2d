#include "agent/last_words.h"

#include "agent/process.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* What glibc keeps for debuggers, in a mapping of its own; no other C library has it. */
struct abort_message {
    unsigned int mapped_bytes;
    char text[];
};

/* Of sanitizer/asan_interface.h. They are in the program or in a library of its own. */
typedef void report_fn(const char *text);
typedef void set_report_fn(report_fn *fn);
typedef void *report_pc_fn(void);

static struct control *listener;
static struct abort_message *const *abort_message; /* NULL: not there */
static report_pc_fn *report_pc;

void bs_last_words(const char *text) {
    size_t length = 0;
    if (!listener)
        return;
    for (; length < LAST_WORDS_BYTES - 1 && text[length]; length++)
        listener->last_words[length] = text[length];
    listener->last_words[length] = '\0';
}

void bs_last_words_of_abort(void) {
    const struct abort_message *message = abort_message ? *abort_message : NULL;
    if (message)
        bs_last_words(message->text);
}

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
    snprintf(listener->last_words, LAST_WORDS_BYTES, "%.*s", (int)length, start);
    if (report_pc)
        bs_control_image(listener)->fault_addr = (uint64_t)(uintptr_t)report_pc();
}

void bs_last_words_listen(struct control *control) {
    set_report_fn *set_report;
    listener = control;
    void *found = dlsym(RTLD_DEFAULT, "__abort_msg");
    abort_message = found;
    found = dlsym(RTLD_DEFAULT, "__asan_get_report_pc");
    memcpy(&report_pc, &found, sizeof(report_pc));
    found = dlsym(RTLD_DEFAULT, "__asan_set_error_report_callback");
    memcpy(&set_report, &found, sizeof(set_report));
    if (set_report)
        set_report(on_report);
}
