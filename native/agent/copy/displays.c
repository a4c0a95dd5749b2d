#include "agent/copy/displays.h"

#include <arpa/inet.h>
#include <fnmatch.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Of X servers by TCP: a port for each display, of which ssh makes some from 10 on. */
#define PORT_FIRST 6000
#define PORT_LAST  6063

/* By which names servers are found on this machine (shell patterns). */
static const char *const names[] = {
    "/tmp/.X11-unix/X*",
    "*/wayland-[0-9]*",
};

union address {
    struct sockaddr any;
    struct sockaddr_un local;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
};

static bool is_port(in_port_t port) {
    return ntohs(port) >= PORT_FIRST && ntohs(port) <= PORT_LAST;
}

static bool is_name(const struct sockaddr_un *local, size_t length) {
    char name[sizeof(local->sun_path) + 1] = "";
    bool found = false;
    /* A name that is no file's begins with a 0; the length of one that fills its room counts the 0
       that is behind it, too (unix(7), abstract and BUGS). */
    size_t start = local->sun_path[0] ? 0 : 1;
    if (length > sizeof(*local))
        length = sizeof(*local);
    for (size_t i = start; offsetof(struct sockaddr_un, sun_path) + i < length; i++)
        name[i - start] = local->sun_path[i];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        found |= !fnmatch(names[i], name, 0);
    return found;
}

bool bs_displays_has(int fd) {
    union address address = {};
    socklen_t length = sizeof(address);
    if (getpeername(fd, &address.any, &length))
        return false;
    switch (address.any.sa_family) {
    case AF_UNIX:
        return is_name(&address.local, length);
    case AF_INET:
        return is_port(address.ipv4.sin_port);
    case AF_INET6:
        return is_port(address.ipv6.sin6_port);
    default:
        return false;
    }
}
