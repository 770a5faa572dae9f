// SPDX-License-Identifier: Apache-2.0
// The machine's first process. One static binary with three lives: init (process 1), the shell
// that sshd starts (session.c), and the commands poweroff, reboot and halt.
// Does: bring the machine up in the order of boot(), then react to events until it ends.
// Does not: parse anything complicated, load any file of the image into itself, or block.
// Always holds: any failure that stops the boot is told on the console and the control port, and
// ends the VM instead of leaving it hanging.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "control.h"
#include "entrypoint.h"
#include "host-files.h"
#include "life.h"
#include "log.h"
#include "mounts.h"
#include "network.h"
#include "overlay.h"
#include "power-command.h"
#include "requests.h"
#include "session.h"
#include "shares.h"
#include "sshd.h"
#include "stats.h"
#include "sysctls.h"

#define PROTOCOL 1
// systemd's defaults: programs that close all descriptors stay quick, servers may raise their own.
#define FILES_SOFT 1024
#define FILES_HARD 524288
// How often the control port is looked for while it is missing, and how long.
#define PORT_RETRY_MS 10
#define PORT_GIVE_UP_MS 5000

static int signals = -1, initctl = -1;

static void block_signals(void) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  signals = signalfd(-1, &all, SFD_NONBLOCK | SFD_CLOEXEC);
  if (signals < 0) fatal("signalfd: %s", strerror(errno));
}

// First of its time: the launch's own measure of what boot costs is taken here.
static void say_hello(void) {
  control_look_in(MOUNT_SYS, MOUNT_DEV);
  control_event_number("hello", "protocol", PROTOCOL);
}

static void boot(void) {
  static struct guest_config config;
  umask(022);
  control_take_streams();
  mounts_early();
  block_signals();
  say_hello();
  bool directory = root_is_directory();
  if (directory) config_read_folder(&config, BUNDLE "/config");
  else config_read_drive(&config, MOUNT_DEV "/vdc", MOUNT_CONFIG);
  if (!directory) overlay_enter(MOUNT_DEV "/vdb");
  mounts_system(config.tmp_mib);
  control_look_in("/sys", "/dev");
  if (directory) overlay_keep_directory();
  control_event("mounted");
  sysctls_set();
  if (network_up(&config)) control_event("network-up");
  host_files_write(&config, !overlay_is_prepared());
  overlay_set_prepared();
  // After all that init writes itself: none of it may land on the host.
  shares_mount(config.shares, config.share_count);
  disks_attach(config.disks, config.disk_count);
  const struct rlimit files = {FILES_SOFT, FILES_HARD};
  setrlimit(RLIMIT_NOFILE, &files);
  sshd_start(&config);
  control_event("sshd-ready");
  initctl = requests_open_initctl();
  life_begin(entrypoint_start(&config), config.stop_signal, config.stop_grace_ms);
  stats_start();
}

static void set_time(const char *text) {
  char *end;
  struct timespec time = {.tv_sec = strtoll(text, &end, 10)};
  if (end == text || time.tv_sec <= 0) return;
  // Three decimals, as guestCommands.setTime writes them.
  if (*end == '.') time.tv_nsec = strtol(end + 1, NULL, 10) % 1000 * 1000000;
  if (clock_settime(CLOCK_REALTIME, &time) != 0) warn("set the clock: %s", strerror(errno));
}

// A line from the runner: guestCommands of src/contract/guest-protocol.ts.
static void run_command(char *line) {
  char *argument = line;
  const char *name = strsep(&argument, " ");
  if (argument == NULL) argument = line + strlen(line);
  if (strcmp(name, "poweroff") == 0) life_end("runner", strtoll(argument, NULL, 10));
  else if (strcmp(name, "set-time") == 0) set_time(argument);
  else warn("unknown command from the runner: %s", name);
}

static void read_signals(void) {
  struct signalfd_siginfo info;
  bool children = false;
  while (read(signals, &info, sizeof info) == sizeof info) {
    children = children || info.ssi_signo == SIGCHLD;
    const char *reason = request_of_signal((int)info.ssi_signo);
    if (reason != NULL) life_end(reason, -1);
  }
  if (children) life_reap();
}

static void read_initctl(void) {
  const char *reason = requests_read_initctl(initctl);
  if (reason != NULL) life_end(reason, -1);
}

static int sooner(int one, int other) { return one < 0 || (other >= 0 && other < one) ? other : one; }

// Waits for the next event and handles it. The control port is left out of one wait after the
// other side hung up: poll would return at once for ever.
static void wait_and_handle(int timeout, bool *hung_up) {
  enum { SIGNALS, SSHD, INITCTL, CONTROL, CONTROL_OUT, COUNT };
  struct pollfd fds[COUNT] = {
      [SIGNALS] = {.fd = signals, .events = POLLIN},
      [SSHD] = {.fd = sshd_fd(), .events = POLLIN},
      [INITCTL] = {.fd = initctl, .events = POLLIN},
      [CONTROL] = {.fd = *hung_up ? -1 : control_fd(), .events = POLLIN},
      [CONTROL_OUT] = {.fd = *hung_up || !control_wants_to_write() ? -1 : control_write_fd(),
                       .events = POLLOUT},
  };
  if (poll(fds, COUNT, timeout) < 0) return;
  *hung_up = false;
  if (fds[CONTROL].revents & POLLIN) *hung_up = !control_read(run_command);
  else if (fds[CONTROL].revents & (POLLHUP | POLLERR)) *hung_up = true;
  if (fds[CONTROL_OUT].revents & POLLOUT) control_flush();
  else if (fds[CONTROL_OUT].revents & (POLLHUP | POLLERR)) *hung_up = true;
  if (fds[SIGNALS].revents & POLLIN) read_signals();
  if (fds[INITCTL].revents & POLLIN) read_initctl();
  if (fds[SSHD].revents & POLLIN) sshd_accept();
}

__attribute__((noreturn)) static void run(void) {
  uint64_t next_stats = uptime_ms() + STATS_INTERVAL_MS;
  bool hung_up = false;
  for (;;) {
    life_advance();
    uint64_t now = uptime_ms();
    if (now >= next_stats) {
      stats_send();
      next_stats = now + STATS_INTERVAL_MS;
    }
    int timeout = sooner((int)(next_stats - now), life_timeout());
    if (now < PORT_GIVE_UP_MS && !control_open()) timeout = sooner(timeout, PORT_RETRY_MS);
    wait_and_handle(timeout, &hung_up);
  }
}

int main(int argc, char **argv) {
  if (getpid() == 1) {
    boot();
    run();
  }
  const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
  const char *name = argc == 0 ? "" : slash == NULL ? argv[0] : slash + 1;
  int code;
  if (power_command(name, &code)) return code;
  if (strcmp(name, "session") == 0 || strcmp(name, "-session") == 0) session_main(argc, argv);
  fputs("This is the first process of a machine; it does nothing when run by hand.\n", stderr);
  return 64;
}
