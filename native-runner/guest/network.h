// SPDX-License-Identifier: Apache-2.0
// The network: one interface with a fixed address, and the host's names for things.
#pragma once

#include <stdbool.h>

#include "config.h"

// Brings up lo and eth0 and sets the default route. False, after a warning, if there is no eth0 or a step fails.
bool network_up(const struct guest_config *config);
