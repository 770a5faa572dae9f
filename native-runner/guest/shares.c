// SPDX-License-Identifier: Apache-2.0
#include "shares.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>

#include "files.h"
#include "log.h"
#include "mounts.h"

// SHARES_TAG of src/contract/guest-protocol.ts: one device with a folder for each share.
#define COMMON_TAG "shares"
// Free once the root is entered, and until sshd builds its own.
#define COMMON_MOUNT MOUNT_ROOT
#define TRIES 5
#define RETRY_MS 500
// No file of the host gives anyone in the machine more rights than he has.
#define FLAGS (MS_NOSUID | MS_NODEV)

static const struct share *mounted[SHARES_MAX];
static size_t mounted_count;

static bool mount_device(const struct share *share) {
  return mount(share->tag, share->target, "virtiofs", FLAGS, NULL) == 0;
}

static bool mount_folder(const struct share *share) {
  char folder[sizeof COMMON_MOUNT + 1 + SHARE_TAG_BYTES];
  snprintf(folder, sizeof folder, COMMON_MOUNT "/%s", share->tag);
  return mount(folder, share->target, NULL, MS_BIND, NULL) == 0;
}

static bool mount_somehow(const struct share *share, bool common) {
  if (!directory_make(share->target)) return false;
  const struct timespec pause = {.tv_nsec = RETRY_MS * 1000000L};
  for (int tries = 1;; tries++) {
    if (common ? mount_folder(share) : mount_device(share)) return true;
    if (tries == TRIES) return false;
    nanosleep(&pause, NULL);
  }
}

static void mount_share(const struct share *share, bool common) {
  if (!mount_somehow(share, common)) {
    warn("shared folder %s: %s", share->target, strerror(errno));
    return;
  }
  mounted[mounted_count++] = share;
  const unsigned long change = MS_REMOUNT | MS_BIND | FLAGS;
  if (share->read_only && mount(NULL, share->target, NULL, change | MS_RDONLY, NULL) != 0)
    warn("shared folder %s: make it read-only: %s", share->target, strerror(errno));
}

void shares_mount(const struct share *shares, size_t count) {
  if (count == 0) return;
  bool common = mount(COMMON_TAG, COMMON_MOUNT, "virtiofs", FLAGS, NULL) == 0;
  for (size_t i = 0; i < count && i < SHARES_MAX; i++) mount_share(&shares[i], common);
  if (common && umount2(COMMON_MOUNT, MNT_DETACH) != 0)
    warn("shared folders: leave their device: %s", strerror(errno));
}

void shares_unmount(void) {
  while (mounted_count > 0) {
    const char *target = mounted[--mounted_count]->target;
    if (umount2(target, 0) != 0) umount2(target, MNT_DETACH);
  }
}
