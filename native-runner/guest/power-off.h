// SPDX-License-Identifier: Apache-2.0
// The very end of the machine.
#pragma once

// Sends the `shutdown` event with this reason, syncs, makes the disk read-only, ends the VM.
// `reason` is one of those in src/contract/guest-protocol.ts.
__attribute__((noreturn)) void power_off(const char *reason);
