#include "command/agent_file.h"

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGENT_BYTES_MAX (4 << 20)

static char *read_agent(size_t *ret_length) {
    FILE *file = fopen(BUILD_DIR "/libbytesight_agent.so", "re");
    char *data = malloc(AGENT_BYTES_MAX);
    *ret_length = file && data ? fread(data, 1, AGENT_BYTES_MAX, file) : 0;
    if (file)
        fclose(file);
    CHECK(*ret_length > 0);
    return data;
}

TEST(agent_file, has_room_for_one_library) {
    size_t length;
    char *data = read_agent(&length), path[2048];
    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    CHECK(!bs_agent_file_need(data, length, path));
    CHECK(!memmem(data, length, path, 100));
    CHECK(bs_agent_file_need(data, length, "/opt/lib/libpython3.13.so.1.0"));
    CHECK(memmem(data, length, "/opt/lib/libpython3.13.so.1.0", 30) != NULL);
    CHECK(!bs_agent_file_need(data, length, "/opt/lib/libpython3.12.so.1.0"));
    free(data);
}

TEST(agent_file, that_is_cut_off_is_left_alone) {
    size_t length;
    char *data = read_agent(&length);
    for (size_t part = 0; part < 64; part++) {
        const size_t bytes = part < 32 ? 4 * part : length / 64 * (part - 32);
        char *cut = malloc(bytes + 1); /* as much as that, for those who watch the heap */
        memcpy(cut, data, bytes);
        CHECK(!bs_agent_file_need(cut, bytes, "/lib/libpython3.13.so"));
        CHECK(!memcmp(cut, data, bytes));
        free(cut);
    }
    free(data);
}
