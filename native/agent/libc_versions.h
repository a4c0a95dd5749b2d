/*
 * The agent is built here, but loaded where the inferior runs: in a container that may have an
 * older C library than ours. glibc says of each symbol since when it is as it is, and a library
 * that wants a later one is refused. So what changed after glibc 2.17 is asked for under its name
 * of before, which glibc keeps forever (libc.abilist below its sysdeps/unix/sysv/linux). musl looks
 * at no versions. The Makefile includes this before each file of the agent; tests/agent
 * checks what comes of it.
 */
#ifndef BS_AGENT_LIBC_VERSIONS_H
#define BS_AGENT_LIBC_VERSIONS_H

#include <features.h>

/* The version of before, of what has been there from the beginning and of what came a little later:
   one row for an architecture. */
#if defined(__GLIBC__) && defined(__x86_64__)
#define BS_FIRST "GLIBC_2.2.5"
#define BS_LATER "GLIBC_2.3.3"
#elif defined(__GLIBC__) && defined(__aarch64__)
#define BS_FIRST "GLIBC_2.17"
#define BS_LATER "GLIBC_2.17"
#endif

#ifdef BS_FIRST
#define BS_OLD(now, before) __asm__(".symver " #now ", " before)
BS_OLD(dlopen, "dlopen@" BS_FIRST);
BS_OLD(dlsym, "dlsym@" BS_FIRST);
BS_OLD(pthread_create, "pthread_create@" BS_FIRST);
BS_OLD(pthread_join, "pthread_join@" BS_FIRST);
BS_OLD(pthread_sigmask, "pthread_sigmask@" BS_FIRST);
BS_OLD(pthread_condattr_setclock, "pthread_condattr_setclock@" BS_LATER);
/* They know binary numbers as well (C23), which we do not need. */
BS_OLD(__isoc23_strtol, "strtol@" BS_FIRST);
BS_OLD(__isoc23_strtoul, "strtoul@" BS_FIRST);
BS_OLD(__isoc23_strtoull, "strtoull@" BS_FIRST);
#undef BS_OLD
#undef BS_FIRST
#undef BS_LATER
#endif

#endif
