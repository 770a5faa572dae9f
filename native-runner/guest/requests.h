// SPDX-License-Identifier: Apache-2.0
// How someone inside asks for the machine's end. Images' `reboot` and `poweroff` are made for other
// inits, so init understands what they say: signals (busybox, systemd) and the FIFO /run/initctl
// (sysvinit, and systemd's tools where systemd does not run).
#pragma once

#include <stddef.h>

// The `shutdown` event's reason, "reboot" or "poweroff", for a signal to init; NULL if it means nothing.
// A halt is a poweroff here: a virtual machine that merely halts is of no use to anyone.
const char *request_of_signal(int signal);

// The same for one request read from /run/initctl (struct init_request of sysvinit's initreq.h).
const char *request_of_initctl(const void *bytes, size_t length);

// Makes and opens the FIFO; -1 if that fails.
int requests_open_initctl(void);
// The next request waiting in it; NULL if there is none.
const char *requests_read_initctl(int fd);
