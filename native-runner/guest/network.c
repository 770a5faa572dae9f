// SPDX-License-Identifier: Apache-2.0
// By ioctl, not netlink: seven calls need no message format.
#include "network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <net/route.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"

#define INTERFACE "eth0"

static bool set_address(struct sockaddr *target, const char *text) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  if (inet_pton(AF_INET, text, &address.sin_addr) != 1) {
    errno = EINVAL;
    return false;
  }
  memcpy(target, &address, sizeof address);
  return true;
}

static void set_netmask(struct sockaddr *target, unsigned prefix) {
  struct sockaddr_in mask = {.sin_family = AF_INET};
  mask.sin_addr.s_addr = htonl(UINT32_MAX << (32 - prefix));
  memcpy(target, &mask, sizeof mask);
}

static bool link_up(int socket, const char *name) {
  struct ifreq request = {0};
  snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
  if (ioctl(socket, SIOCGIFFLAGS, &request) != 0) return false;
  request.ifr_flags |= IFF_UP;
  return ioctl(socket, SIOCSIFFLAGS, &request) == 0;
}

static bool set_up_interface(int socket, const struct guest_config *config) {
  struct ifreq request = {.ifr_name = INTERFACE};
  request.ifr_mtu = (int)config->mtu;
  if (ioctl(socket, SIOCSIFMTU, &request) != 0) return false;
  if (!set_address(&request.ifr_addr, config->address)) return false;
  if (ioctl(socket, SIOCSIFADDR, &request) != 0) return false;
  set_netmask(&request.ifr_netmask, config->prefix);
  if (ioctl(socket, SIOCSIFNETMASK, &request) != 0) return false;
  if (!link_up(socket, INTERFACE)) return false;
  struct rtentry route = {.rt_flags = RTF_UP | RTF_GATEWAY};
  route.rt_dst.sa_family = AF_INET;
  route.rt_genmask.sa_family = AF_INET;
  if (!set_address(&route.rt_gateway, config->gateway)) return false;
  // A VMM's own init may have been here before.
  return ioctl(socket, SIOCADDRT, &route) == 0 || errno == EEXIST;
}

bool network_up(const struct guest_config *config) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || !link_up(fd, "lo")) warn("network: bring up lo: %s", strerror(errno));
  bool up = fd >= 0 && set_up_interface(fd, config);
  if (!up) warn("network: set up " INTERFACE ": %s", strerror(errno));
  if (fd >= 0) close(fd);
  return up;
}
