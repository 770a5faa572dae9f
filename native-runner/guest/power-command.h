// SPDX-License-Identifier: Apache-2.0
// The commands `poweroff`, `reboot` and `halt` for images that have none: this binary by those names.
#pragma once

#include <stdbool.h>

// True if `name` is one of them; then it has been carried out and `*code` is the exit code.
bool power_command(const char *name, int *code);
