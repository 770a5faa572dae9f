// SPDX-License-Identifier: Apache-2.0
// The machine's root. Most often made of its own disk (/dev/vdb, ext4) and the image; on the disk: upper/
// and work/ (overlayfs), and `prepared`, an empty file that says that this disk has been through a whole first
// boot. Under a VMM without disks it is a directory of the host (virtio-fs), writable as it is, with that file in it.
#pragma once

#include <stdbool.h>

// Mounts the disk, grows its file system to the disk's size, lays it over the image and makes that
// the root. Afterwards the bundle is read-only at /.microvm, and the early mounts are gone.
void overlay_enter(const char *device);

// Whether the root is such a directory. Only the VMM decides this: nothing an image holds can.
bool root_is_directory(void);
// Keeps that root, instead of overlay_enter(): the early mounts go, the bundle becomes read-only.
// After mounts_system().
void overlay_keep_directory(void);

// False until overlay_set_prepared() has been called on this disk once, in any boot.
bool overlay_is_prepared(void);
void overlay_set_prepared(void);

// Writes all to the disk or directory and marks its file system clean. Nothing may write afterwards.
void overlay_make_read_only(void);
