// SPDX-License-Identifier: Apache-2.0
// SSH into the machine. Init listens on port 22 itself and starts one dropbear per connection: sshd
// is ready as soon as the network is, nothing has to be watched or started again, and a
// connection costs no more than with a listening dropbear, which also executes itself anew.
//
// Dropbear lives in a mount namespace of its own, on a small root in memory with the bundle, the host
// key, the authorized keys and an /etc of ours. So it works the same in any image (without
// /etc/passwd, libc or shell, with a strange nsswitch.conf or ld.so.preload), changes nothing in
// it, and the keys are on no path that the image can see. Its root user's shell is session.c, which
// goes back into the image before it runs anything.
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "config.h"

// Where session.c, inside that namespace, finds what it must know.
#define SSHD_ENV_FILE "/state/env"
#define SSHD_WORKDIR_FILE "/state/workdir"
// dropbear gives this as the command of the sftp subsystem.
#define SSHD_SFTP_COMMAND "/usr/lib/sftp-server"

// Builds the namespace and listens; fatal on failure. The host key is gone from memory afterwards.
void sshd_start(struct guest_config *config);
// The listening socket, to poll; -1 once it is closed.
int sshd_fd(void);
void sshd_accept(void);
void sshd_stop_listening(void);
// Tells that a child of init has ended; it may have been a connection's.
void sshd_child_ended(pid_t pid);
