/* FNV-1a, 64 bits (RFC draft-eastlake-fnv): the checksum of files, and of tables of texts. */
#ifndef BS_CORE_HASH_H
#define BS_CORE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define BS_HASH_INIT UINT64_C(0xcbf29ce484222325)

/* The hash of what @p hash is of, and @p length more bytes. */
static inline uint64_t bs_hash(uint64_t hash, const void *data, size_t length) {
    const unsigned char *bytes = data;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

#endif
