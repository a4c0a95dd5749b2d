/*
 * By what the kernel tells a program that something has happened, and which would be shared with
 * its copy: counters (eventfd), timers (timerfd), signals (signalfd) and changes of files
 * (inotify). What CALL took from one, the program would wait for in vain; a timer that it stops
 * would never ring, and of a directory that it watches the program would not know what to think.
 */
#ifndef BS_AGENT_COPY_EVENTS_H
#define BS_AGENT_COPY_EVENTS_H

/*
 * If @p fd is such a thing, a new descriptor of one that is as it is: with the same count, ringing
 * at the same time, for the same signals. But of files it watches none: which they are is not to be
 * found out. -1: it is something else.
 */
int bs_events_make_anew(int fd);

#endif
