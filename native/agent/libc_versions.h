/*
 * The agent is built here, but loaded where the inferior runs: in a container that may have an
 * older C library than ours. glibc says of each symbol since when it is as it is, and a library
 * that wants a later one is refused. So what changed after glibc 2.17 is asked for under its name
 * of before, which glibc keeps forever (its sysdeps/unix/sysv/linux/x86_64/64/libc.abilist). musl
 * looks at no versions. The Makefile includes this before each file of the agent; tests/agent
 * checks what comes of it.
 */
#ifndef BS_AGENT_LIBC_VERSIONS_H
#define BS_AGENT_LIBC_VERSIONS_H

#include <features.h>

#if defined(__GLIBC__) && defined(__x86_64__)
#define BS_OLD(now, before) __asm__(".symver " #now ", " before)
BS_OLD(dlopen, "dlopen@GLIBC_2.2.5");
BS_OLD(dlsym, "dlsym@GLIBC_2.2.5");
BS_OLD(pthread_create, "pthread_create@GLIBC_2.2.5");
BS_OLD(pthread_join, "pthread_join@GLIBC_2.2.5");
BS_OLD(pthread_sigmask, "pthread_sigmask@GLIBC_2.2.5");
BS_OLD(pthread_condattr_setclock, "pthread_condattr_setclock@GLIBC_2.3.3");
/* They know binary numbers as well (C23), which we do not need. */
BS_OLD(__isoc23_strtol, "strtol@GLIBC_2.2.5");
BS_OLD(__isoc23_strtoul, "strtoul@GLIBC_2.2.5");
BS_OLD(__isoc23_strtoull, "strtoull@GLIBC_2.2.5");
#undef BS_OLD
#endif

#endif
