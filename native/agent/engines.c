#include "agent/engine.h"

#include <stdio.h>

/* Best first. */
static const struct engine *const engines[] = {&bs_engine_probe, &bs_engine_settrace};

const struct engine *bs_engine_open(const struct engine_setup *setup, char *reason,
                                    size_t reason_bytes) {
    uint32_t wanted = setup->request->engine;
    reason[0] = '\0';
    for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++) {
        const struct engine *engine = engines[i];
        if (wanted != BS_ENGINE_AUTO && engine->kind != wanted)
            continue;
        if (engine->open(setup, reason, reason_bytes))
            return engine;
    }
    if (!reason[0])
        snprintf(reason, reason_bytes, "the agent has no such engine");
    return NULL;
}

void bs_engines_abandon(void) {
    for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++)
        engines[i]->abandon();
}
