// SPDX-License-Identifier: Apache-2.0
// How busy the machine is, for the app's charts.
#pragma once

// Milliseconds between two `stats` events.
#define STATS_INTERVAL_MS 2000

// Takes the first reading, to which the next is compared.
void stats_start(void);
// Sends one `stats` event.
void stats_send(void);
