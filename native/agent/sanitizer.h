/*
 * What AddressSanitizer finds in a clone: it would write a report to standard error, which leads
 * nowhere there, and end the process with an exit status that tells nothing.
 */
#ifndef BS_AGENT_SANITIZER_H
#define BS_AGENT_SANITIZER_H

#include "agent/process.h"

/* Where this process has it, let `control->report` and the image's fault_addr be what it finds. */
void bs_sanitizer_watch(struct control *control);

#endif
