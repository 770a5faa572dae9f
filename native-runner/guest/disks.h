// SPDX-License-Identifier: Apache-2.0
// Disks beside the machine's own: each gets a name of its own, and is mounted if a place is given for it.
// What always holds: nothing about a disk stops the boot. What cannot be done is a warning. A read-only disk is so by
// the host's doing; that it is read-only here too is for clear messages only.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISKS_MAX 8
#define DISK_DEVICE_BYTES 8
#define DISK_TARGET_BYTES 4096

struct disk {
  char device[DISK_DEVICE_BYTES];  // of the kernel's name, such as vdd
  uint64_t sectors;                // of 512 bytes
  bool read_only;
  char target[DISK_TARGET_BYTES];  // absolute; empty: it is not mounted
};

// Makes /dev/disk0, /dev/disk1, … in order, and mounts what has a target, making directories that are missing. The
// disks of one device are its last sectors, in order.
void disks_attach(const struct disk *disks, size_t count);

// Unmounts all that disks_attach mounted, in the other order.
void disks_unmount(void);
