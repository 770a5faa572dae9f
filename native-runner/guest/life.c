// SPDX-License-Identifier: Apache-2.0
#include "life.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>

#include "control.h"
#include "power-off.h"
#include "sshd.h"

// What everything but the entrypoint gets between TERM and KILL: shells, sshd, daemons.
#define TERM_MS 1000
// A process in an uninterruptible state survives KILL for a while; the machine does not wait for ever.
#define KILL_MS 2000
// Longest wait for the entrypoint, whatever is asked; keeps deadlines within poll's range.
#define GRACE_MAX_MS 3600000

static enum { RUNNING, STOPPING, TERMINATING, KILLING } state;
static pid_t entrypoint;
static int stop_signal;
static unsigned configured_grace_ms;
static const char *end_reason;
static uint64_t deadline;
static bool alone;  // no process but init was left at the last look

static void terminate(void) {
  state = TERMINATING;
  deadline = uptime_ms() + TERM_MS;
  sshd_stop_listening();
  kill(-1, SIGTERM);
  // A stopped process would keep its TERM for later.
  kill(-1, SIGCONT);
  life_reap();
}

void life_begin(pid_t pid, int signal, unsigned grace_ms) {
  entrypoint = pid;
  stop_signal = signal;
  configured_grace_ms = grace_ms;
  if (pid < 0) life_end("entrypoint", 0);
}

void life_end(const char *reason, int64_t grace_ms) {
  if (end_reason == NULL) end_reason = reason;
  if (state > STOPPING) return;
  if (entrypoint <= 0) {
    terminate();
    return;
  }
  uint64_t grace = grace_ms < 0 ? configured_grace_ms : (uint64_t)grace_ms;
  uint64_t end = uptime_ms() + (grace < GRACE_MAX_MS ? grace : GRACE_MAX_MS);
  if (state == RUNNING) kill(entrypoint, stop_signal);
  if (state == RUNNING || end < deadline) deadline = end;
  state = STOPPING;
}

static void entrypoint_ended(int status) {
  entrypoint = 0;
  int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  control_event_number("exited", "code", code);
  if (state == RUNNING) life_end("entrypoint", 0);
  else if (state == STOPPING) terminate();
}

void life_reap(void) {
  int status;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    if (pid == entrypoint) entrypoint_ended(status);
    else sshd_child_ended(pid);
  }
  // Every orphan becomes init's child, so no child means no process at all.
  alone = pid < 0 && errno == ECHILD;
}

void life_advance(void) {
  bool late = uptime_ms() >= deadline;
  if (state == STOPPING && late) terminate();
  if (state == TERMINATING && (alone || uptime_ms() >= deadline)) {
    state = KILLING;
    deadline = uptime_ms() + KILL_MS;
    kill(-1, SIGKILL);
    life_reap();
  }
  if (state == KILLING && (alone || uptime_ms() >= deadline)) power_off(end_reason);
}

int life_timeout(void) {
  if (state == RUNNING) return -1;
  uint64_t now = uptime_ms();
  return now >= deadline ? 0 : (int)(deadline - now);
}
