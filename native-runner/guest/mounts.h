// SPDX-License-Identifier: Apache-2.0
// The kernel's own file systems and the ones in memory. The image need not have the directories.
#pragma once

#include <stdbool.h>

// Mount points that the bundle brings, since the image's root is read-only and may have none.
#define BUNDLE "/.microvm"
#define MOUNT_DISK BUNDLE "/mnt/disk"
#define MOUNT_CONFIG BUNDLE "/mnt/config"
#define MOUNT_ROOT BUNDLE "/mnt/root"
#define MOUNT_DEV BUNDLE "/mnt/dev"
#define MOUNT_SYS BUNDLE "/mnt/sys"

// /dev and /sys at MOUNT_DEV and MOUNT_SYS, enough to find disks, console and control port; opens the console
// as descriptors 0 to 2.
void mounts_early(void);

// Everything a Linux system expects, in the final root. What the image has in /run is kept: many
// images make directories there for their services.
void mounts_system(unsigned tmp_mib);

// Waits for a device node to appear, at most a second. False with errno.
bool device_appears(const char *path);
// The same; fatal if it does not.
void device_wait(const char *path);
