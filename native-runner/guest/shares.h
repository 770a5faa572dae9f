// SPDX-License-Identifier: Apache-2.0
// Folders of the host that the machine may reach, each a virtio-fs mount at a place of its own.
// What always holds: nothing about a share stops the boot. What cannot be mounted is a warning.
// A read-only share is so by the host's doing; that it is mounted so here too is for clear messages only.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define SHARES_MAX 8
// The device's tag has 36 bytes (virtio specification, 5.11.4).
#define SHARE_TAG_BYTES 37
#define SHARE_TARGET_BYTES 4096

struct share {
  char tag[SHARE_TAG_BYTES];
  char target[SHARE_TARGET_BYTES];  // absolute
  bool read_only;
};

// Mounts them in order, making directories that are missing.
void shares_mount(const struct share *shares, size_t count);

// Lets go of all that are mounted, in the other order; their writes are on the host afterwards.
void shares_unmount(void);
