// SPDX-License-Identifier: Apache-2.0
// The control port: events to the runner, commands from it (src/contract/guest-protocol.ts).
// Never blocks: lines wait in a bounded queue until the port is there and takes them. Without a
// port everything else goes on just the same.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json.h"

// Microseconds and milliseconds since the kernel started (CLOCK_BOOTTIME).
uint64_t uptime_us(void);
uint64_t uptime_ms(void);

// Where /sys and /dev are mounted: they move once during boot.
void control_look_in(const char *sys, const char *dev);

// Opens the port if it has appeared. The kernel announces ports a moment after it starts init.
bool control_open(void);

// -1 while there is none.
int control_fd(void);
bool control_wants_to_write(void);

void control_send(struct json_line *line);
void control_event(const char *name);
void control_event_text(const char *name, const char *key, const char *value);
void control_event_number(const char *name, const char *key, int64_t value);

// Writes what waits, as far as the port takes it.
void control_flush(void);
// Waits up to `ms` until all is written; before the machine ends.
void control_drain(int ms);

// Reads and hands each whole line, without its newline, to `command`. False when the other side
// is gone for now.
bool control_read(void (*command)(char *line));
