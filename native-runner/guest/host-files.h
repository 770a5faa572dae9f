// SPDX-License-Identifier: Apache-2.0
// Files the host puts into the machine: its name, its name server, what hooks inject.
// A symbolic link of the image at such a place is replaced, never written through.
#pragma once

#include "config.h"

// Sets the host name, writes /etc/hostname, /etc/hosts and /etc/resolv.conf, copies the config
// drive's files. `first_boot`: of this disk. Later boots leave /etc/hosts and /etc/resolv.conf as the user
// may have changed them, unless they are missing or lack the machine's name.
void host_files_write(const struct guest_config *config, bool first_boot);
