// SPDX-License-Identifier: Apache-2.0
#include "terminal.h"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

namespace {

Terminal failure(const char *call, int fd = -1) {
  const int reason = errno;
  if (fd >= 0) close(fd);
  errno = reason;
  return {-1, {}, call};
}

}  // namespace

Terminal open_terminal(int master) {
  if (grantpt(master) != 0) return failure("grantpt");
  if (unlockpt(master) != 0) return failure("unlockpt");
  // Not reentrant; nothing else in this process asks.
  const char *path = ptsname(master);
  if (path == nullptr) return failure("ptsname");
  const int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) return failure("open");
  termios settings;
  if (tcgetattr(fd, &settings) != 0) return failure("tcgetattr", fd);
  cfmakeraw(&settings);
  if (tcsetattr(fd, TCSANOW, &settings) != 0) return failure("tcsetattr", fd);
  return {fd, path, nullptr};
}
