// SPDX-License-Identifier: Apache-2.0
// From the first process to the last: reaps, and ends the machine in an orderly way.
//   running ─ asked to end ─► stopping: the entrypoint has its stop signal and its time
//           ─ it has ended, or its time is up ─► terminating: TERM to all, a short time
//           ─ nobody is left, or time is up ─► killing: KILL to all ─► power off
// All by deadlines that the main loop waits for; nothing here blocks.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

// `entrypoint`: as entrypoint_start() returned it; -1 ends the machine at once.
void life_begin(pid_t entrypoint, int stop_signal, unsigned grace_ms);

// Someone wants the machine to end. The first reason counts; a later call can only shorten the wait.
// `reason` as in the `shutdown` event; `grace_ms` < 0: as configured.
void life_end(const char *reason, int64_t grace_ms);

// Collects every child that has ended.
void life_reap(void);

// Goes on to the next state when it is time; powers off, and does not return, at the last.
void life_advance(void);

// Milliseconds until life_advance() has something to do by itself; -1: it waits for an event.
int life_timeout(void);
