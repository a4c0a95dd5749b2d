#include "inspect/field.h"

#include <string.h>

struct bs_error *bs_field_read(const struct bs_interpreter *python, uint64_t addr, int32_t offset,
                               size_t width, const char *name, uint64_t *ret) {
    uint8_t bytes[8] = {0};
    if (offset == BS_FIELD_ABSENT || width > sizeof(bytes))
        return bs_error_create(BS_ERROR_UNSUPPORTED, "this version of Python has no field %s",
                               name);
    struct bs_error *error =
        bs_read_bytes(python->target, addr + (uint64_t)offset, name, bytes, width);
    if (!error)
        memcpy(ret, bytes, sizeof(bytes)); /* both sides are little-endian */
    return error;
}
