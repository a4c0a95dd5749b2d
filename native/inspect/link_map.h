/*
 * The dynamic loader's list of what is loaded, as it shows it to debuggers (<link.h>: struct
 * r_debug, struct link_map). GDB passes its first entry over: that should be the program that it
 * has read. Where the loader itself was started, as in `ld.so PROGRAM`, it is another.
 */
#ifndef BS_INSPECT_LINK_MAP_H
#define BS_INSPECT_LINK_MAP_H

#include "inspect/target.h"

/*
 * The program by that list, if the target has another one first: its path, to be freed, and what is
 * to be added to addresses of its file. NULL where it is the same, or where nothing can be told.
 */
struct bs_error *bs_link_map_other_program(const struct bs_target *target, char **ret_path,
                                           uint64_t *ret_bias);

#endif
