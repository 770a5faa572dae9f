// SPDX-License-Identifier: Apache-2.0
// What init has to say to people: on the console, and as an event to the runner. Init only:
// a forked child must not use these.
#pragma once

// Something is missing or failed, the machine goes on.
__attribute__((format(printf, 1, 2))) void warn(const char *format, ...);

// The machine cannot go on: says why in both places, saves what can be saved, powers off.
__attribute__((format(printf, 1, 2), noreturn)) void fatal(const char *format, ...);
