// SPDX-License-Identifier: Apache-2.0
#include "host-files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "log.h"

#define MAX_HOSTS_BYTES (1024 * 1024)

static void write_text(const char *path, const char *text) {
  struct stat info;
  // As it should be already: no need to copy it up from the image.
  if (lstat(path, &info) == 0 && S_ISREG(info.st_mode) && file_has_text(path, text)) return;
  if (!file_replace(path, text, strlen(text), 0644, 0, 0))
    warn("write %s: %s", path, strerror(errno));
}

// True if some line of /etc/hosts has `name` as a word.
static bool hosts_has(const char *name) {
  char *text = file_load(AT_FDCWD, "/etc/hosts", MAX_HOSTS_BYTES, NULL);
  if (text == NULL) return false;
  bool found = false;
  char *next = text, *word;
  while (!found && (word = strsep(&next, " \t\r\n")) != NULL) found = strcmp(word, name) == 0;
  free(text);
  return found;
}

static bool is_readable(const char *path) { return access(path, R_OK) == 0; }

static void copy_files(const struct guest_config *config) {
  if (config->files < 0) return;
  int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root < 0 || !tree_copy(config->files, root))
    warn("copy the host's files: %s", strerror(errno));
  if (root >= 0) close(root);
  close(config->files);
}

void host_files_write(const struct guest_config *config, bool first_boot) {
  char text[512];
  if (sethostname(config->hostname, strlen(config->hostname)) != 0)
    warn("set the host name: %s", strerror(errno));
  if (!directory_make("/etc")) warn("make /etc: %s", strerror(errno));
  snprintf(text, sizeof text, "%s\n", config->hostname);
  write_text("/etc/hostname", text);
  if (first_boot || !hosts_has(config->hostname)) {
    snprintf(text, sizeof text,
             "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n%s\t%s\n",
             config->address, config->hostname);
    write_text("/etc/hosts", text);
  }
  if (first_boot || !is_readable("/etc/resolv.conf")) {
    snprintf(text, sizeof text, "nameserver %s\n", config->dns);
    write_text("/etc/resolv.conf", text);
  }
  copy_files(config);
}
