// SPDX-License-Identifier: Apache-2.0
// What every process started by init needs first.
#pragma once

// In the new process: its own session, no blocked signal.
void child_reset(void);
