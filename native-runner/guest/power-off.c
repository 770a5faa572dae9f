// SPDX-License-Identifier: Apache-2.0
#include "power-off.h"

#include <sys/reboot.h>
#include <unistd.h>

#include "control.h"
#include "overlay.h"

#define DRAIN_MS 1000

void power_off(const char *reason) {
  control_event_text("shutdown", "reason", reason);
  sync();
  overlay_make_read_only();
  control_drain(DRAIN_MS);
  // The machine has no ACPI, so it cannot power itself off; a restart ends the VMM, which runs
  // with -no-reboot. Whether the runner starts it again is told by `reason`.
  reboot(RB_AUTOBOOT);
  for (;;) pause();
}
