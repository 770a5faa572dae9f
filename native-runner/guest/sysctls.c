// SPDX-License-Identifier: Apache-2.0
#include "sysctls.h"

#include <stddef.h>

#include "files.h"

void sysctls_set(void) {
  static const struct {
    const char *path, *value;
  } settings[] = {
      // As in a container's network: anyone may ping, anyone may serve on a port below 1024.
      {"/proc/sys/net/ipv4/ping_group_range", "0 2147483647"},
      {"/proc/sys/net/ipv4/ip_unprivileged_port_start", "0"},
      // The guest kernel's own limit is 4096 processes and threads; this is the most it takes.
      {"/proc/sys/kernel/pid_max", "32768"},
  };
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
    file_write(settings[i].path, settings[i].value);
}
