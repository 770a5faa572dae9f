// SPDX-License-Identifier: Apache-2.0
// Descriptors as libkrun wants them. It connects a guest's console to a terminal only, so the runner
// gives us one: the master side of a pseudo-terminal, of which we open the other side.
#pragma once

#include <string>

struct Terminal {
  int fd = -1;
  std::string path;
  /** Null, or the call that failed; errno says why. */
  const char *failed = nullptr;
};

/**
 * Opens the slave of a pseudo-terminal and makes it raw: what the guest writes is what is read.
 * @param master stays the caller's
 */
Terminal open_terminal(int master);
