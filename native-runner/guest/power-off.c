// SPDX-License-Identifier: Apache-2.0
#include "power-off.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <termios.h>
#include <unistd.h>

#include "control.h"
#include "disks.h"
#include "overlay.h"
#include "shares.h"

#define DRAIN_MS 1000
#define CONSOLE_MS 200
#define POLL_MS 2

// The console's last words are often why the machine ends. Not tcdrain: the host may have stopped reading.
static void drain_console(void) {
  int unsent = 0;
  for (int waited = 0; waited < CONSOLE_MS; waited += POLL_MS) {
    if (ioctl(STDERR_FILENO, TIOCOUTQ, &unsent) != 0 || unsent == 0) return;
    poll(NULL, 0, POLL_MS);
  }
}

void power_off(const char *reason) {
  control_event_text("shutdown", "reason", reason);
  sync();
  disks_unmount();
  shares_unmount();
  overlay_make_read_only();
  control_drain(DRAIN_MS);
  drain_console();
  // The machine has no ACPI, so it cannot power itself off; a restart ends the VMM, which runs
  // with -no-reboot. Whether the runner starts it again is told by `reason`.
  reboot(RB_AUTOBOOT);
  for (;;) pause();
}
