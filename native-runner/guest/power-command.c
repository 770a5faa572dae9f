// SPDX-License-Identifier: Apache-2.0
#include "power-command.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

bool power_command(const char *name, int *code) {
  static const struct {
    const char *name;
    int signal;  // as in request_of_signal()
  } commands[] = {{"poweroff", SIGUSR2}, {"reboot", SIGTERM}, {"halt", SIGUSR1}};
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
    if (strcmp(name, commands[i].name) != 0) continue;
    *code = kill(1, commands[i].signal) == 0 ? 0 : 1;
    if (*code != 0) fprintf(stderr, "%s: %s\n", name, strerror(errno));
    return true;
  }
  return false;
}
