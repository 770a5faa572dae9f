// SPDX-License-Identifier: Apache-2.0
#include "requests.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INITCTL "/run/initctl"
#define INITCTL_MAGIC 0x03091969
#define INITCTL_CHANGE_RUNLEVEL 1

// sysvinit's struct init_request: always 384 bytes.
struct initctl_request {
  int32_t magic, command, runlevel, sleep_time;
  char data[368];
};
_Static_assert(sizeof(struct initctl_request) == 384, "as sysvinit has it");

const char *request_of_signal(int signal) {
  switch (signal) {
    case SIGTERM: return "reboot";     // busybox reboot
    case SIGINT: return "reboot";      // the kernel's Ctrl-Alt-Del
    case SIGUSR1: return "poweroff";   // busybox halt
    case SIGUSR2: return "poweroff";   // busybox poweroff
    case SIGPWR: return "poweroff";    // power failure
    default: break;
  }
  // systemd: RTMIN+3 halt, +4 poweroff, +5 reboot; +13 to +15 the same at once.
  switch (signal - SIGRTMIN) {
    case 3: case 4: case 13: case 14: return "poweroff";
    case 5: case 15: return "reboot";
    default: return NULL;
  }
}

const char *request_of_initctl(const void *bytes, size_t length) {
  struct initctl_request request;
  if (length != sizeof request) return NULL;
  memcpy(&request, bytes, sizeof request);
  if (request.magic != INITCTL_MAGIC || request.command != INITCTL_CHANGE_RUNLEVEL) return NULL;
  if (request.runlevel == '6') return "reboot";
  return request.runlevel == '0' ? "poweroff" : NULL;
}

int requests_open_initctl(void) {
  if (mkfifo(INITCTL, 0600) != 0) return -1;
  // Where older tools look; the newer place is enough for most, so a failure is not told.
  int linked = symlink(INITCTL, "/dev/initctl");
  (void)linked;
  // Read and write: it never reads as ended when the last writer goes.
  return open(INITCTL, O_RDWR | O_NONBLOCK | O_CLOEXEC);
}

const char *requests_read_initctl(int fd) {
  struct initctl_request request;
  ssize_t count;
  const char *reason = NULL;
  // Writes of up to PIPE_BUF are whole, so a short read is rubbish of its own making.
  while (reason == NULL && (count = read(fd, &request, sizeof request)) > 0)
    reason = request_of_initctl(&request, (size_t)count);
  return reason;
}
