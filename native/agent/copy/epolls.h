/*
 * An epoll instance is shared with the process that was copied: what CALL adds to it or takes from
 * it, an event loop of the program would miss or find. So the copy gets instances of its own.
 */
#ifndef BS_AGENT_COPY_EPOLLS_H
#define BS_AGENT_COPY_EPOLLS_H

/* If @p fd is an epoll instance, make a new one of it that waits for the same. */
void bs_epolls_renew(int fd);

#endif
