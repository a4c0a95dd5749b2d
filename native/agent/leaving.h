/*
 * Which opcodes leave their frame, in the version of Python that the request tells of: those that
 * return or yield. An exception leaves it by any.
 */
#ifndef BS_AGENT_LEAVING_H
#define BS_AGENT_LEAVING_H

#include "format/request.h"

#include <stdbool.h>
#include <stddef.h>

#define BS_LEAVING_OPCODES 256

static inline void bs_leaving_opcodes(const struct bs_request *request,
                                      bool ret_leaves[BS_LEAVING_OPCODES]) {
    static const enum bs_request_opcode leaving[] = {
        BS_REQUEST_RETURN_VALUE, BS_REQUEST_RETURN_CONST, BS_REQUEST_RETURN_GENERATOR,
        BS_REQUEST_YIELD_VALUE, BS_REQUEST_YIELD_FROM};
    for (size_t i = 0; i < BS_LEAVING_OPCODES; i++)
        ret_leaves[i] = false;
    for (size_t i = 0; i < sizeof(leaving) / sizeof(leaving[0]); i++)
        ret_leaves[request->opcodes[leaving[i]]] = true;
    ret_leaves[0] = false; /* those that this version does not have */
}

#endif
