// SPDX-License-Identifier: Apache-2.0
// The control port: events to the runner, commands from it (src/contract/guest-protocol.ts).
// Never blocks: lines wait in a bounded queue until the port is there and takes them. Without a
// port everything else goes on just the same. The port is the one of that name, or, under a VMM that
// knows no names, what the standard streams are when init starts.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json.h"

// Microseconds and milliseconds since the kernel started (CLOCK_BOOTTIME).
uint64_t uptime_us(void);
uint64_t uptime_ms(void);

// Takes commands from standard input and sends events to standard error from now on, if the VMM says so in
// the environment: MICROVM_CONTROL=stdio. To be called before these streams become the console.
void control_take_streams(void);

// Where /sys and /dev are mounted: they move once during boot.
void control_look_in(const char *sys, const char *dev);

// Opens the port if it has appeared. The kernel announces ports a moment after it starts init.
bool control_open(void);

// What to poll for reading and for writing; -1 while there is none. They may be one.
int control_fd(void);
int control_write_fd(void);
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
