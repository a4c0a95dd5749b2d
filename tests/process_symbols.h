/* The modules, symbols and stacks of a stopped process, through libdw. For process_host.c. */
#ifndef TESTS_PROCESS_SYMBOLS_H
#define TESTS_PROCESS_SYMBOLS_H

#include "command/host.h"

struct process_symbols;

/* NULL when libdw cannot. All threads of @p pid must be stopped by us as long as it is used. */
struct process_symbols *process_symbols_create(int pid);
void process_symbols_destroy(struct process_symbols *symbols);

/* 0: there is none. */
uint64_t process_symbols_lookup(struct process_symbols *symbols, const char *name);
void process_symbols_modules(struct process_symbols *symbols, bs_module_fn fn, void *fn_arg);
void process_symbols_describe(struct process_symbols *symbols, uint64_t addr, bs_symbol_fn fn,
                              void *fn_arg);
/* False when there is not even one frame. */
bool process_symbols_walk(struct process_symbols *symbols, int tid, bs_native_frame_fn fn,
                          void *fn_arg);

#endif
