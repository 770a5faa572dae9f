// SPDX-License-Identifier: Apache-2.0
#include "child.h"

#include <signal.h>
#include <unistd.h>

void child_reset(void) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  setsid();
}
