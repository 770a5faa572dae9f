// SPDX-License-Identifier: Apache-2.0
// A libkrun that is loaded while we run: nothing of it is needed to build us or to load us.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "krun-calls.h"

struct LoadAttempt {
  std::string path;
  std::string reason;
};

/** The library's calls; null where this version of it has none. */
struct KrunCalls {
#define CALL(name, method, ...) int32_t (*name)(__VA_ARGS__) = nullptr;
  KRUN_CALLS(CALL)
#undef CALL
};

struct Library {
  /** Where the linker found it. */
  std::string path;
  KrunCalls calls;
};

/**
 * Loads the first of the candidates that is a library.
 * It is never unloaded: it may have threads of its own, and we end with it.
 * @param attempts gets those that were not, each with the linker's reason
 */
std::optional<Library> open_library(const std::vector<std::string> &candidates,
                                    std::vector<LoadAttempt> &attempts);
