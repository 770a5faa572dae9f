// SPDX-License-Identifier: Apache-2.0
// Small file helpers, all bounded. They report by errno and print nothing; used by init and by
// sessions alike.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

// Reads a regular file of at most `max` bytes, NUL added; NULL with errno (EFBIG if larger).
// `dir` may be AT_FDCWD. The caller frees.
char *file_load(int dir, const char *path, size_t max, size_t *length);

// Puts a file at `path`, whatever is there now unless that is a directory. A symbolic link at
// `path` is replaced, never followed. False with errno.
bool file_replace(const char *path, const void *data, size_t length, mode_t mode, uid_t uid,
                  gid_t gid);

// True if there is a file of exactly this text behind `path`, links followed.
bool file_has_text(const char *path, const char *text);

// Writes to a file that exists, such as one of /proc/sys. False with errno.
bool file_write(const char *path, const char *text);

// mkdir -p. Directories made get 0755; existing ones, also behind links, are kept. False with errno.
bool directory_make(const char *path);

// Copies directories, files and symbolic links with owners and modes into an existing
// directory, on top of what is there; sockets, pipes and devices are left out. Closes neither fd. False with
// errno at the first failure.
bool tree_copy(int from, int to);
