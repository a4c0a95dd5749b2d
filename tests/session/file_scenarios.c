/* Traces as files, and profile and show on the screen. */
#include "session.h"

#include "core/cleanup.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

SCENARIO(profile_and_show, EVERY_PYTHON) {
    stop_in_c(s, "counter.py");
    SAY(s, "bytesight profile --warmups 50 --repeats 50 count(20)");
    EXPECT(s, "count");
    EXPECT(s, "ns");
    EXPECT(s, "FOR_ITER");
    SAY(s, "bytesight show --by opcode");
    EXPECT(s, "FOR_ITER");
    SAY(s, "bytesight show --by line");
    EXPECT(s, "total += i");
    SAY(s, "bytesight show --range 1-5");
    EXPECT_NOT(s, "FOR_ITER");
    GO_ON(s);
    EXPECT_PROGRAM(s, "counted 10 10\n");
}

SCENARIO(save_and_load, ONE_PYTHON) {
    stop_in_c(s, "counter.py");
    SAY(s, "bytesight trace count(3)");
    EXPECT(s, "FOR_ITER");
    _cleanup_free_ char *listing = s->output ? strdup(s->output) : NULL;
    SAY(s, "bytesight save %s/trace.bytesight", s->folder);
    SAY(s, "bytesight trace count(1)");
    SAY(s, "bytesight load %s/trace.bytesight", s->folder);
    SAY(s, "bytesight show");
    if (!s->failed && listing)
        CHECK_TEXT(s->output, listing);
    GO_ON(s);
    EXPECT_PROGRAM(s, "counted 10 10\n");
}

SCENARIO(damaged_files, ONE_PYTHON) {
    char path[128];
    stop_in_c(s, "counter.py");
    SAY(s, "bytesight trace --save %s/trace count(3)", s->folder);
    snprintf(path, sizeof(path), "%s/trace", s->folder);
    struct stat status;
    if (!s->failed && CHECK_EQ(stat(path, &status), 0)) {
        CHECK_EQ(truncate(path, status.st_size / 2), 0);
        SAY(s, "bytesight load %s", path);
        EXPECT_SENTENCE(s, "trace");
    }
    SAY(s, "bytesight show --range 1-3");
    EXPECT(s, "count");
    GO_ON(s);
    EXPECT_PROGRAM(s, "counted 10 10\n");
}

SCENARIO(json, EVERY_PYTHON) {
    char path[128];
    stop_in_c(s, "counter.py");
    snprintf(path, sizeof(path), "%s/trace.json", s->folder);
    SAY(s, "bytesight profile --warmups 20 --repeats 20 --json %s count(3)", path);
    EXPECT(s, path);
    if (!s->failed) {
        json_t *json = json_load_file(path, 0, NULL);
        CHECK_TEXT(json_string_value(json_object_get(json, "target")), "count(3)");
        CHECK_TEXT(json_string_value(json_object_get(json, "python")), s->python->version);
        CHECK(json_array_size(json_object_get(json, "events")) > 20);
        json_decref(json);
    }
    GO_ON(s);
    EXPECT_PROGRAM(s, "counted 10 10\n");
}

SCENARIO(status, EVERY_PYTHON) {
    stop_in_c(s, "counter.py");
    SAY(s, "bytesight status");
    EXPECT(s, s->python->version);
    EXPECT(s, "GIL");
    EXPECT(s, "libbytesight_agent.so");
    GO_ON(s);
    EXPECT_PROGRAM(s, "counted 10 10\n");
}

SCENARIO(settings, ONE_PYTHON) {
    SAY(s, "bytesight set repeats 77");
    SAY(s, "bytesight set");
    EXPECT(s, "77");
    SAY(s, "bytesight set repeats many");
    EXPECT_SENTENCE(s, "repeats takes");
    SAY(s, "bytesight set repeats");
    EXPECT(s, "77");
}

/* GDB's parameters have no counterpart in LLDB, which lets nobody add settings. */
SCENARIO_GDB(parameters, ONE_PYTHON) {
    SAY(s, "set bytesight repeats 77");
    SAY(s, "bytesight set repeats");
    EXPECT(s, "77");
    SAY(s, "bytesight set repeats 78");
    SAY(s, "show bytesight repeats");
    EXPECT(s, "78");
    SAY(s, "with bytesight repeats 79 -- bytesight set repeats");
    EXPECT(s, "79");
    SAY(s, "show bytesight repeats");
    EXPECT(s, "78");
    SAY(s, "set bytesight repeats many");
    EXPECT_SENTENCE(s, "repeats takes");
    SAY(s, "show bytesight repeats");
    EXPECT(s, "78");
    SAY(s, "set bytesight engine settrace");
    SAY(s, "bytesight set engine");
    EXPECT(s, "settrace");
    SAY(s, "show bytesight");
    EXPECT(s, "engine is settrace");
    EXPECT(s, "repeats is 78");
}

SCENARIO(help, ONE_PYTHON) {
    SAY(s, "help bytesight");
    EXPECT(s, "profile");
    EXPECT(s, "status");
    SAY(s, "help bytesight profile");
    EXPECT(s, "--repeats");
    SAY(s, "bytesight");
    EXPECT(s, "Print the last trace");
    SAY(s, "bytesight help trace");
    EXPECT(s, "--timeout");
}
