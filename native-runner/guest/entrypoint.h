// SPDX-License-Identifier: Apache-2.0
// The image's main process: as its user, in its working directory, on the console.
#pragma once

#include <sys/types.h>

#include "config.h"

// Starts it. 0: there is nothing to start. -1: it could not be started, and `entrypoint-failed` says
// why, with Docker's codes: 127 not found, 126 not executable, 125 user or working directory.
pid_t entrypoint_start(const struct guest_config *config);
