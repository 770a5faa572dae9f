// SPDX-License-Identifier: Apache-2.0
#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Deep enough for any tree someone means; a bound for the recursion and its open files.
#define MAX_DEPTH 64

static bool read_all(int fd, char *data, size_t length) {
  for (size_t done = 0; done < length;) {
    ssize_t count = read(fd, data + done, length - done);
    if (count < 0 && errno == EINTR) continue;
    if (count == 0) errno = EIO;  // shorter than fstat said
    if (count <= 0) return false;
    done += (size_t)count;
  }
  return true;
}

static bool write_all(int fd, const char *data, size_t length) {
  while (length > 0) {
    ssize_t count = write(fd, data, length);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    data += count;
    length -= (size_t)count;
  }
  return true;
}

static void close_keeping_errno(int fd) {
  int saved = errno;
  close(fd);
  errno = saved;
}

char *file_load(int dir, const char *path, size_t max, size_t *length) {
  int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return NULL;
  struct stat info;
  char *data = NULL;
  if (fstat(fd, &info) == 0) {
    if (!S_ISREG(info.st_mode)) errno = EINVAL;
    else if ((uint64_t)info.st_size > max) errno = EFBIG;
    else data = malloc((size_t)info.st_size + 1);
  }
  if (data != NULL && !read_all(fd, data, (size_t)info.st_size)) {
    free(data);
    data = NULL;
  }
  if (data != NULL) {
    data[info.st_size] = '\0';
    if (length != NULL) *length = (size_t)info.st_size;
  }
  close_keeping_errno(fd);
  return data;
}

bool file_replace(const char *path, const void *data, size_t length, mode_t mode, uid_t uid,
                  gid_t gid) {
  char temporary[PATH_MAX];
  if ((size_t)snprintf(temporary, sizeof temporary, "%s.microvm-new", path) >= sizeof temporary) {
    errno = ENAMETOOLONG;
    return false;
  }
  unlink(temporary);
  int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  // Owner before mode: chown clears setuid.
  bool ok = write_all(fd, data, length) && fchown(fd, uid, gid) == 0 && fchmod(fd, mode) == 0;
  close_keeping_errno(fd);
  if (ok && rename(temporary, path) == 0) return true;
  int saved = errno;
  unlink(temporary);
  errno = saved;
  return false;
}

bool file_has_text(const char *path, const char *text) {
  char *present = file_load(AT_FDCWD, path, strlen(text), NULL);
  bool same = present != NULL && strcmp(present, text) == 0;
  free(present);
  return same;
}

bool file_write(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  bool ok = write_all(fd, text, strlen(text));
  close_keeping_errno(fd);
  return ok;
}

bool directory_make(const char *path) {
  char partial[PATH_MAX];
  if ((size_t)snprintf(partial, sizeof partial, "%s", path) >= sizeof partial) {
    errno = ENAMETOOLONG;
    return false;
  }
  for (char *next = partial + 1; *next != '\0'; next++) {
    if (*next != '/') continue;
    *next = '\0';
    if (mkdir(partial, 0755) != 0 && errno != EEXIST) return false;
    *next = '/';
  }
  if (mkdir(partial, 0755) == 0) return true;
  if (errno != EEXIST) return false;
  struct stat info;
  if (stat(partial, &info) != 0) return false;
  errno = ENOTDIR;
  return S_ISDIR(info.st_mode);
}

static bool copy_file(int from, int to, const char *name, const struct stat *info) {
  int source = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (source < 0) return false;
  unlinkat(to, name, 0);
  int target = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  bool ok = target >= 0;
  char block[16384];
  ssize_t count = 1;
  while (ok && count > 0) {
    count = read(source, block, sizeof block);
    if (count < 0 && errno == EINTR) count = 1;
    else ok = count >= 0 && write_all(target, block, (size_t)count);
  }
  ok = ok && fchown(target, info->st_uid, info->st_gid) == 0 &&
       fchmod(target, info->st_mode & 07777) == 0;
  if (target >= 0) close_keeping_errno(target);
  close_keeping_errno(source);
  return ok;
}

static bool copy_link(int from, int to, const char *name, const struct stat *info) {
  char target[PATH_MAX];
  ssize_t length = readlinkat(from, name, target, sizeof target - 1);
  if (length < 0) return false;
  target[length] = '\0';
  unlinkat(to, name, 0);
  return symlinkat(target, to, name) == 0 &&
         fchownat(to, name, info->st_uid, info->st_gid, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool copy_children(int from, int to, int depth);

static bool copy_directory(int from, int to, const char *name, const struct stat *info, int depth) {
  // A directory that is already there keeps its owner and mode: /etc is the image's, not ours.
  bool made = mkdirat(to, name, 0700) == 0;
  if (!made && errno != EEXIST) return false;
  int source = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  int target = openat(to, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool ok = source >= 0 && target >= 0 && copy_children(source, target, depth + 1);
  if (ok && made)
    ok = fchown(target, info->st_uid, info->st_gid) == 0 &&
         fchmod(target, info->st_mode & 07777) == 0;
  if (target >= 0) close_keeping_errno(target);
  if (source >= 0) close_keeping_errno(source);
  return ok;
}

static bool copy_entry(int from, int to, const char *name, int depth) {
  struct stat info;
  if (fstatat(from, name, &info, AT_SYMLINK_NOFOLLOW) != 0) return false;
  if (S_ISDIR(info.st_mode)) return copy_directory(from, to, name, &info, depth);
  if (S_ISREG(info.st_mode)) return copy_file(from, to, name, &info);
  if (S_ISLNK(info.st_mode)) return copy_link(from, to, name, &info);
  return true;
}

static bool copy_children(int from, int to, int depth) {
  if (depth > MAX_DEPTH) {
    errno = ELOOP;
    return false;
  }
  int again = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *list = again < 0 ? NULL : fdopendir(again);
  if (list == NULL) return false;
  bool ok = true;
  struct dirent *entry;
  while (ok && (errno = 0, entry = readdir(list)) != NULL) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    ok = copy_entry(from, to, entry->d_name, depth);
  }
  if (entry == NULL && errno != 0) ok = false;
  int saved = errno;
  closedir(list);
  errno = saved;
  return ok;
}

bool tree_copy(int from, int to) { return copy_children(from, to, 0); }
