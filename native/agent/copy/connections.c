#include "agent/copy/connections.h"

#include <sys/socket.h>

bool bs_connections_has(int fd) {
    struct sockaddr_storage address;
    socklen_t peer = sizeof(address), own = sizeof(address);
    if (getpeername(fd, (struct sockaddr *)&address, &peer) ||
        getsockname(fd, (struct sockaddr *)&address, &own))
        return false;
    return peer > sizeof(sa_family_t) || own > sizeof(sa_family_t);
}
