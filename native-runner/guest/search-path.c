// SPDX-License-Identifier: Apache-2.0
#include "search-path.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int search_path_execute(char *const argv[], char *const env[], const char *path) {
  if (strchr(argv[0], '/') != NULL) {
    execve(argv[0], argv, env);
    return errno;
  }
  int result = ENOENT;
  // An empty PATH entry means the current directory.
  for (const char *next = path;; next++) {
    const char *end = strchrnul(next, ':');
    int length = (int)(end - next);
    char file[PATH_MAX];
    int size = snprintf(file, sizeof file, "%.*s%s%s", length, next, length == 0 ? "" : "/", argv[0]);
    if (argv[0][0] != '\0' && size > 0 && (size_t)size < sizeof file) {
      execve(file, argv, env);
      if (errno != ENOENT && errno != ENOTDIR) result = errno;
    }
    if (*end == '\0') return result;
    next = end;
  }
}
