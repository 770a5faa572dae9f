// SPDX-License-Identifier: Apache-2.0
#include "library.h"

#include <dlfcn.h>

std::optional<Library> open_library(const std::vector<std::string> &candidates,
                                    std::vector<LoadAttempt> &attempts) {
  for (const std::string &path : candidates) {
    void *handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
      const char *reason = dlerror();
      attempts.push_back({path, reason == nullptr ? "unknown reason" : reason});
      continue;
    }
    Library library{path, {}};
#define CALL(name, method, ...)                                                                    \
  library.calls.name =                                                                             \
      reinterpret_cast<decltype(library.calls.name)>(dlsym(handle, "krun_" #name));
    KRUN_CALLS(CALL)
#undef CALL
    if (library.calls.create_ctx == nullptr) {
      dlclose(handle);
      attempts.push_back({path, "it has no krun_create_ctx"});
      continue;
    }
    Dl_info info;
    if (dladdr(reinterpret_cast<void *>(library.calls.create_ctx), &info) != 0)
      library.path = info.dli_fname;
    return library;
  }
  return std::nullopt;
}
