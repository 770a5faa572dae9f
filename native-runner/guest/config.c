// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "authorized-keys.h"
#include "files.h"
#include "log.h"
#include "mounts.h"

#define MAX_KEYS_BYTES (64 * 1024)
#define MAX_HOST_KEY_BYTES (4 * 1024)
// SPEC: an environment is at most 1 MiB; arguments have the kernel's bound (ARG_MAX, 2 MiB).
#define MAX_LIST_BYTES (2 * 1024 * 1024)
#define MAX_LIST_WORDS 32768
#define MAX_GRACE_MS 3600000
#define MAX_TMP_MIB (1024 * 1024)
// Eight of them still have a size in bytes that fits a number of 64 bits.
#define MAX_DISK_SECTORS (1ULL << 48)

static int folder = -1;  // while it is read

static char *load(const char *name, size_t max, size_t *length) {
  char *data = file_load(folder, name, max, length);
  if (data == NULL) fatal("config: read %s: %s", name, strerror(errno));
  return data;
}

static void load_word(const char *name, char *target, size_t size) {
  size_t length;
  char *data = load(name, size - 1, &length);
  if (strlen(data) != length) fatal("config: %s has a NUL byte", name);
  memcpy(target, data, length + 1);
  free(data);
}

static uint64_t load_large_number(const char *name, uint64_t min, uint64_t max) {
  char text[24];
  load_word(name, text, sizeof text);
  char *end;
  errno = 0;
  uint64_t value = strtoull(text, &end, 10);
  bool is_number = text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
  if (!is_number || value < min || value > max)
    fatal("config: %s is \"%s\", not a number from %" PRIu64 " to %" PRIu64, name, text, min, max);
  return value;
}

static unsigned load_number(const char *name, unsigned min, unsigned max) {
  return (unsigned)load_large_number(name, min, max);
}

static void load_list(const char *name, struct words *words) {
  size_t length;
  char *data = load(name, MAX_LIST_BYTES, &length);
  if (!words_parse(words, data, length, MAX_LIST_WORDS))
    fatal("config: %s is no list of NUL-ended words", name);
}

static void load_network(struct guest_config *config) {
  load_word("network/address", config->address, sizeof config->address);
  load_word("network/gateway", config->gateway, sizeof config->gateway);
  load_word("network/dns", config->dns, sizeof config->dns);
  config->prefix = load_number("network/prefix", 1, 30);
  config->mtu = load_number("network/mtu", 576, 65535);
}

static void load_shares(struct guest_config *config) {
  char name[32];
  for (size_t n = 0; n < SHARES_MAX; n++) {
    struct share *share = &config->shares[n];
    snprintf(name, sizeof name, "shares/%zu/tag", n);
    if (faccessat(folder, name, F_OK, 0) != 0) return;
    load_word(name, share->tag, sizeof share->tag);
    snprintf(name, sizeof name, "shares/%zu/target", n);
    load_word(name, share->target, sizeof share->target);
    snprintf(name, sizeof name, "shares/%zu/read-only", n);
    share->read_only = load_number(name, 0, 1) == 1;
    config->share_count = n + 1;
  }
}

static void load_disks(struct guest_config *config) {
  char name[32];
  for (size_t n = 0; n < DISKS_MAX; n++) {
    struct disk *disk = &config->disks[n];
    snprintf(name, sizeof name, "disks/%zu/device", n);
    if (faccessat(folder, name, F_OK, 0) != 0) return;
    load_word(name, disk->device, sizeof disk->device);
    snprintf(name, sizeof name, "disks/%zu/sectors", n);
    disk->sectors = load_large_number(name, 1, MAX_DISK_SECTORS);
    snprintf(name, sizeof name, "disks/%zu/read-only", n);
    disk->read_only = load_number(name, 0, 1) == 1;
    snprintf(name, sizeof name, "disks/%zu/target", n);
    load_word(name, disk->target, sizeof disk->target);
    config->disk_count = n + 1;
  }
}

static void read_all(struct guest_config *config) {
  load_number("version", 1, 1);
  load_word("hostname", config->hostname, sizeof config->hostname);
  config->authorized_keys = load("authorized-keys", MAX_KEYS_BYTES, NULL);
  if (!authorized_keys_usable(config->authorized_keys))
    fatal("config: authorized-keys has no valid public key, nobody could log in");
  config->host_key = load("host-key", MAX_HOST_KEY_BYTES, &config->host_key_length);
  load_list("env", &config->env);
  load_list("argv", &config->argv);
  load_word("workdir", config->workdir, sizeof config->workdir);
  load_word("user", config->user, sizeof config->user);
  config->stop_signal = (int)load_number("stop-signal", 1, (unsigned)SIGRTMAX);
  config->stop_grace_ms = load_number("stop-grace-ms", 0, MAX_GRACE_MS);
  config->tmp_mib = load_number("tmp-mib", 1, MAX_TMP_MIB);
  load_network(config);
  load_shares(config);
  load_disks(config);
  config->files = openat(folder, "files", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void open_folder(const char *path) {
  folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (folder < 0) fatal("config: open %s: %s", path, strerror(errno));
}

void config_read_drive(struct guest_config *config, const char *device, const char *mount_point) {
  device_wait(device);
  if (mount(device, mount_point, "erofs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0)
    fatal("config: mount %s: %s", device, strerror(errno));
  open_folder(mount_point);
  read_all(config);
  close(folder);
}

void config_read_folder(struct guest_config *config, const char *path) {
  open_folder(path);
  read_all(config);
  if (unlinkat(folder, "host-key", 0) != 0) warn("config: remove the host key: %s", strerror(errno));
  close(folder);
}
