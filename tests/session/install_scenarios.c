/* An installed copy, under a path with blanks, in a debugger that knows of no checkout. */
#include "session.h"

#include "core/cleanup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool run_make(const struct session *s, const char *target) {
    char command[1024];
    snprintf(command, sizeof(command),
             "make -s -C " SOURCE_DIR " O=" BUILD_DIR " PREFIX='%s/a prefix' %s > %s/make.log 2>&1",
             s->folder, target, s->folder);
    return CHECK_EQ(system(command), 0);
}

SCENARIO(installed, ONE_PYTHON | BARE) {
    char plugin[512];
    snprintf(plugin, sizeof(plugin), "%s/a prefix/share/bytesight/%s", s->folder,
             s->debugger->plugin_file);
    if (!run_make(s, "install"))
        return;
    SAY_WORDS(s, plugin, plugin);
    if (!s->failed)
        CHECK_TEXT(s->output, "");
    stop_in_c(s, "counter.py");
    SAY(s, "bytesight status");
    EXPECT(s, "/a prefix/lib/bytesight/libbytesight_agent.so");
    SAY(s, "bytesight trace count(2)");
    EXPECT(s, "//// Trace of `count` :");
    GO_ON(s);
    EXPECT_PROGRAM(s, "counted 10 10\n");
    run_make(s, "uninstall");
    CHECK(access(plugin, F_OK) != 0);
}

/* Without the compiled module: one line that says what to do, and a debugger that goes on. */
SCENARIO(not_built, ONE_PYTHON | BARE) {
    char command[1024];
    snprintf(command, sizeof(command),
             "mkdir -p '%s/checkout' && cp -r " SOURCE_DIR "/%.*s %s/checkout", s->folder,
             (int)strcspn(s->debugger->plugin_file, "/"), s->debugger->plugin_file, s->folder);
    if (!CHECK_EQ(system(command), 0))
        return;
    snprintf(command, sizeof(command), "%s/checkout/%s", s->folder, s->debugger->plugin_file);
    SAY_WORDS(s, plugin, command);
    EXPECT(s, "bytesight: the compiled module is missing: run `make` in ");
    if (!s->failed)
        CHECK(strchr(s->output, '\n') && !strchr(s->output, '\n')[1]);
    stop_in_c(s, "counter.py");
    GO_ON(s);
    EXPECT_PROGRAM(s, "counted 10 10\n");
}

/* A script of the user's that sources the plugin: to GDB, `__file__` is the script all the while.
 */
SCENARIO_GDB(sourced_by_a_script, ONE_PYTHON) {
    char script[128];
    snprintf(script, sizeof(script), "%s/script.py", s->folder);
    FILE *file = fopen(script, "we");
    if (!CHECK(file))
        return;
    fprintf(file, "gdb.execute('source " SOURCE_DIR "/%s')\n", s->debugger->plugin_file);
    fclose(file);
    SAY(s, "source %s", script);
    if (!s->failed)
        CHECK_TEXT(s->output, "");
    SAY(s, "bytesight status");
    EXPECT(s, "process      none");
}

/* LLDB 14 as Debian 12 has it, without the help that sessions give it (debugger.h). */
TEST(lldb, without_its_python_modules) {
    char command[1024], line[512];
    bool explained = false;
    _cleanup_free_ char *folder = debugger_find_python_folder(&debugger_lldb);
    if (!folder) {
        check_skip("explanation", "an LLDB that does not find its Python modules");
        return;
    }
    snprintf(command, sizeof(command),
             "env -u PYTHONPATH %s -x -b -o 'command script import \"" SOURCE_DIR "/%s\"' 2>&1",
             debugger_find(&debugger_lldb), debugger_lldb.plugin_file);
    FILE *output = popen(command, "re");
    while (CHECK(output) && fgets(line, sizeof(line), output)) {
        explained = explained || (!strncmp(line, "bytesight: this LLDB ", 21) &&
                                  strstr(line, ": start it with PYTHONPATH=/"));
    }
    CHECK(explained);
    if (output)
        pclose(output);
}

/* A command of the user's that has our name gives way to ours; LLDB would crash. */
TEST(lldb, takes_the_place_of_another_command) {
    char command[1024], line[512];
    bool ours = false;
    _cleanup_free_ char *folder = debugger_find_python_folder(&debugger_lldb);
    const char *path = debugger_find(&debugger_lldb);
    if (!path) {
        check_skip("commands", debugger_lldb.name);
        return;
    }
    snprintf(command, sizeof(command),
             "PYTHONPATH='%s' BYTESIGHT_BUILD=" BUILD_DIR
             " %s -x -b -o 'command script add -f os.getpid bytesight'"
             " -o 'command script import \"" SOURCE_DIR "/%s\"' -o 'bytesight help' 2>&1",
             folder ? folder : "", path, debugger_lldb.plugin_file);
    FILE *output = popen(command, "re");
    while (CHECK(output) && fgets(line, sizeof(line), output))
        ours = ours || !strncmp(line, "  trace    Run a Python call", 28);
    CHECK(ours);
    if (output)
        pclose(output);
}
