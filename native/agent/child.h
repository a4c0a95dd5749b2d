/*
 * CALL may fork. In such a child our trace function is still installed and the image is still
 * shared, but nothing of ours may go on there: events are ignored, and when CALL comes back to us
 * the child is ended (run.c).
 */
#ifndef BS_AGENT_CHILD_H
#define BS_AGENT_CHILD_H

#include <stdbool.h>

/* Set in every child that the worker forks. A plain variable: it is looked at in each event. */
extern bool bs_child_forked;

/* Have it set from now on, for as long as the process lives; only for a process of our own. */
void bs_child_watch(void);

#endif
