/*
 * The agent's file, as bytes that are changed before they go into the inferior. It is linked to
 * Python by names alone, which the loader finds where they are global. Where they are those of a
 * libpython that was loaded for its user only (RTLD_LOCAL), the agent has to name it as a library
 * that it needs: in the place of a search path, which the Makefile gives it to be replaced.
 */
#ifndef BS_COMMAND_AGENT_FILE_H
#define BS_COMMAND_AGENT_FILE_H

#include "core/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Whether the agent of file @p path can be loaded into a process for @p machine (EM_X86_64, ...):
 * a loader says of another one's only that there is no such file. One that cannot be read is not
 * judged here.
 */
struct bs_error *bs_agent_file_check(const char *path, uint16_t machine);

/*
 * Let the agent whose file is the @p length bytes at @p data need the library @p path. False where
 * it has no place for that; then nothing is changed.
 */
bool bs_agent_file_need(char *data, size_t length, const char *path);

#endif
