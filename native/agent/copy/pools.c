#include "agent/copy/pools.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>

/*
 * The functions by which a library is told in how many threads to compute; they take an int, or a
 * long. To know another library: a row. (threadpoolctl has such a table for Python programs.)
 */
static const struct row {
    const char *name;
    long argument;
} rows[] = {
    {"openblas_set_num_threads", 1},
    {"openblas_set_num_threads64_", 1},       /* built for large arrays */
    {"scipy_openblas_set_num_threads", 1},    /* in the wheels of NumPy and SciPy */
    {"scipy_openblas_set_num_threads64_", 1}, /* the same */
    {"MKL_Set_Num_Threads", 1},
    {"bli_thread_set_num_threads", 1}, /* BLIS */
    {"omp_set_num_threads", 1},
    /* A region may ask for a number of its own; one that is not active has one thread all the same
       (OpenMP 5.2, 10.1.1). */
    {"omp_set_max_active_levels", 0},
};

static bool tell(void *library, const struct row *row) {
    void (*set)(long);
    void *found = dlsym(library, row->name);
    if (!found)
        return false;
    memcpy(&set, &found, sizeof(set));
    set(row->argument);
    return true;
}

/*
 * Extensions, and what they need, are not among the names that everybody sees: each library is
 * asked by itself. It stays open, as the process will end.
 */
static int tell_library(struct dl_phdr_info *info, size_t size, void *arg) {
    bool *told = arg;
    void *library = dlopen(info->dlpi_name, RTLD_LAZY | RTLD_NOLOAD);
    for (size_t i = 0; library && i < sizeof(rows) / sizeof(rows[0]); i++)
        *told |= tell(library, &rows[i]);
    return 0;
}

bool bs_pools_do_without(void) {
    bool told = false;
    dl_iterate_phdr(tell_library, &told);
    return told;
}
