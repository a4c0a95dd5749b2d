/* Names looked up in the dictionaries and frames of a process, on every Python. */
#include "check.h"
#include "inspect/cache.h"
#include "inspect/names.h"
#include "process.h"

#include <inttypes.h>
#include <string.h>

struct opened {
    struct process process;
    struct bs_cache cache;
    struct bs_interpreter python;
    struct bs_threads threads;
    struct bs_frames frames;
    struct bs_arena arena;
    struct bs_texts names;
};

static bool has_name(const struct opened *opened, const char *name) {
    size_t count = 0;
    for (size_t i = 0; i < opened->names.count; i++) {
        const struct bs_text *text = &opened->names.items[i];
        count += text->length == strlen(name) && !memcmp(text->data, name, text->length);
    }
    return CHECK_EQ(count, 1); /* there, and only once */
}

static bool check_line(const struct opened *opened, char *line) {
    char *name = strchr(line, ' ');
    uint64_t addr = 0, expected;
    *name++ = '\0';
    char *number = strchr(name, ' ');
    const struct bs_frame *frame = strcmp(line, "main") ? opened->frames.items : NULL;
    if (!strcmp(line, "name"))
        return has_name(opened, name);
    if (!strcmp(line, "missing"))
        return CHECK_ERROR(bs_inspect_find_code(&opened->python, frame, name, &addr),
                           BS_ERROR_NOT_FOUND, name);
    if (!strcmp(line, "afar"))
        return CHECK(opened->frames.count > 2) &&
               CHECK_ERROR(
                   bs_inspect_find_code(&opened->python, &opened->frames.items[2], name, &addr),
                   BS_ERROR_NOT_FOUND, "does: bytesight code __main__:");
    if (!strcmp(line, "nowhere"))
        return CHECK_ERROR(bs_inspect_find_code(&opened->python, opened->frames.items, name, &addr),
                           BS_ERROR_NOT_FOUND, "there is no ") &&
               CHECK_ERROR(
                   bs_inspect_find_code(&opened->python, &opened->frames.items[2], name, &addr),
                   BS_ERROR_NOT_FOUND, "there is no ");
    if (!strcmp(line, "malformed"))
        return CHECK_ERROR(bs_inspect_find_code(&opened->python, frame, name, &addr),
                           BS_ERROR_USAGE, name);
    *number++ = '\0';
    if (!strcmp(line, "behind"))
        return CHECK_ERROR(bs_inspect_find_code(&opened->python, frame, name, &addr),
                           BS_ERROR_NOT_FOUND, number);
    sscanf(number, "%" SCNu64, &expected);
    return CHECK_OK(bs_inspect_find_code(&opened->python, frame, name, &addr)) &&
           CHECK_EQ(addr, expected);
}

/* Instead of the frame's. */
static bool check_module(struct opened *opened) {
    const struct bs_text os = {"os", 2}, nowhere = {"nowhere", 7};
    return CHECK_OK(bs_inspect_module_names(&opened->python, NULL, nowhere, &opened->arena,
                                            &opened->names)) &&
           CHECK_EQ(opened->names.count, 0) &&
           CHECK_OK(bs_inspect_module_names(&opened->python, NULL, os, &opened->arena,
                                            &opened->names)) &&
           has_name(opened, "getppid");
}

static bool read_frames(struct opened *opened) {
    return CHECK_OK(bs_cache_init(&opened->process.target, &opened->cache)) &&
           CHECK_OK(bs_interpreter_find(&opened->cache.target, &opened->python)) &&
           CHECK_OK(bs_threads_list(&opened->python, &opened->threads)) &&
           CHECK_OK(
               bs_frames_walk(&opened->python, opened->threads.items, NULL, &opened->frames)) &&
           CHECK(opened->frames.count > 0) &&
           CHECK_OK(bs_inspect_names(&opened->python, opened->frames.items, &opened->arena,
                                     &opened->names));
}

static void names_of(const struct interpreter *interpreter) {
    struct opened opened = {};
    char *lines[256], *line = NULL;
    size_t count = 0;
    bool holds = process_start(&opened.process, interpreter, "names.py", NULL);
    while (holds && count < 256 && (line = process_read(&opened.process)) && strcmp(line, "stop"))
        lines[count++] = strdup(line);
    holds = CHECK(line != NULL) && read_frames(&opened);
    for (size_t i = 0; holds && i < count; i++) {
        if (!check_line(&opened, lines[i]))
            printf("  name %s, %s\n", strlen(lines[i]) + 1 + lines[i], interpreter->name);
    }
    CHECK(count > 90);
    if (holds)
        check_module(&opened);
    while (count)
        free(lines[--count]);
    bs_arena_deinit(&opened.arena);
    bs_frames_deinit(&opened.frames);
    bs_threads_deinit(&opened.threads);
    bs_interpreter_deinit(&opened.python);
    bs_cache_deinit(&opened.cache);
    process_end(&opened.process);
}

TEST(inspect_names, stand_for_what_the_frame_sees) {
    interpreters_each(names_of);
}
