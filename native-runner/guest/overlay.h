// SPDX-License-Identifier: Apache-2.0
// The machine's own disk (/dev/vdb, ext4) and the root made of it and the image.
// On the disk: upper/ and work/ (overlayfs), and `prepared`, an empty file that says that this
// disk has been through a whole first boot.
#pragma once

#include <stdbool.h>

// Mounts the disk, grows its file system to the disk's size, lays it over the image and makes that
// the root. Afterwards the bundle is read-only at /.microvm, and the early mounts are gone.
void overlay_enter(const char *device);

// False until overlay_set_prepared() has been called on this disk once, in any boot.
bool overlay_is_prepared(void);
void overlay_set_prepared(void);

// Writes all to the disk and marks its file system clean. Nothing may write afterwards.
void overlay_make_read_only(void);
