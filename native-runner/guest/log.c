// SPDX-License-Identifier: Apache-2.0
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "control.h"
#include "power-off.h"

// Longer messages are cut; an event line holds 4096 bytes with its escapes.
#define MESSAGE_BYTES 1024

static void say(const char *kind, const char *message) {
  dprintf(STDERR_FILENO, "microvm: %s: %s\n", kind, message);
}

void warn(const char *format, ...) {
  char message[MESSAGE_BYTES];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  say("warning", message);
  control_event_text("warning", "message", message);
}

void fatal(const char *format, ...) {
  char message[MESSAGE_BYTES];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  say("fatal", message);
  control_event_text("fatal", "message", message);
  power_off("fatal");
}
