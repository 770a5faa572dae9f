// SPDX-License-Identifier: Apache-2.0
#include "stats.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control.h"

#define KIB_PER_MIB 1024

struct cpu_time {
  uint64_t idle, total;  // clock ticks over all processors
};

static struct cpu_time last;

static bool read_start(const char *path, char *text, size_t size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  ssize_t count = read(fd, text, size - 1);
  close(fd);
  if (count < 0) return false;
  text[count] = '\0';
  return true;
}

// First line of /proc/stat: cpu user nice system idle iowait irq softirq steal guest guest_nice.
// The last two are part of user and nice already.
static struct cpu_time read_cpu(void) {
  char text[512];
  struct cpu_time time = {0};
  if (!read_start("/proc/stat", text, sizeof text) || strncmp(text, "cpu ", 4) != 0) return time;
  char *next = text + 4;
  for (int field = 0; field < 8; field++) {
    uint64_t ticks = strtoull(next, &next, 10);
    time.total += ticks;
    if (field == 3 || field == 4) time.idle += ticks;
  }
  return time;
}

static uint64_t memory_kib(const char *text, const char *name) {
  const char *line = strstr(text, name);
  return line == NULL ? 0 : strtoull(line + strlen(name), NULL, 10);
}

void stats_start(void) { last = read_cpu(); }

void stats_send(void) {
  struct cpu_time now = read_cpu();
  uint64_t total = now.total - last.total;
  uint64_t busy = total - (now.idle - last.idle);
  // Idle ticks are counted with some delay and may run ahead of the total.
  if (busy > total) busy = 0;
  last = now;
  char memory[4096];
  if (!read_start("/proc/meminfo", memory, sizeof memory)) return;
  uint64_t all = memory_kib(memory, "MemTotal:"), free = memory_kib(memory, "MemAvailable:");
  struct json_line line;
  json_begin(&line, "stats", uptime_us());
  json_tenths(&line, "cpuPercent", total == 0 ? 0 : busy * 1000 / total);
  json_tenths(&line, "memoryUsedMib", (all - (free < all ? free : all)) * 10 / KIB_PER_MIB);
  json_tenths(&line, "memoryTotalMib", all * 10 / KIB_PER_MIB);
  control_send(&line);
}
