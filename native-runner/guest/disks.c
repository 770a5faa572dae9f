// SPDX-License-Identifier: Apache-2.0
#include "disks.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "files.h"
#include "log.h"
#include "mounts.h"

#define SECTOR_BYTES 512
#define NAME_BYTES 32
#define PATH_BYTES 48
// Whatever is on the disk gives nobody in the machine more rights than he has.
#define FLAGS (MS_NOSUID | MS_NODEV)

static const char *mounted[DISKS_MAX];
static size_t mounted_count;

// Of all disks from `from` on that lie on the same device as the disk `of`.
static uint64_t sectors_on_device(const struct disk *disks, size_t count, size_t of, size_t from) {
  uint64_t sectors = 0;
  for (size_t n = from; n < count; n++)
    if (strcmp(disks[n].device, disks[of].device) == 0) sectors += disks[n].sectors;
  return sectors;
}

// Makes the sectors from `start` on a device of their own, with its partitions. False with errno.
static bool make_loop(const char *device, uint64_t start, const struct disk *disk, char *name) {
  int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
  int number = control < 0 ? -1 : ioctl(control, LOOP_CTL_GET_FREE);
  if (control >= 0) close(control);
  if (number < 0) return false;
  snprintf(name, NAME_BYTES, "loop%d", number);
  char path[PATH_BYTES];
  snprintf(path, sizeof path, "/dev/%s", name);
  const int access = disk->read_only ? O_RDONLY : O_RDWR;
  int part = open(device, access | O_CLOEXEC), loop = open(path, access | O_CLOEXEC);
  // Without direct access the guest would cache everything twice.
  const uint32_t flags = LO_FLAGS_PARTSCAN | LO_FLAGS_DIRECT_IO;
  struct loop_config config = {
      .fd = (uint32_t)part,
      .info = {.lo_offset = start * SECTOR_BYTES,
               .lo_sizelimit = disk->sectors * SECTOR_BYTES,
               .lo_flags = disk->read_only ? flags | LO_FLAGS_READ_ONLY : flags},
  };
  bool made = part >= 0 && loop >= 0 && ioctl(loop, LOOP_CONFIGURE, &config) == 0;
  int reason = errno;
  if (part >= 0) close(part);
  if (loop >= 0) close(loop);
  errno = reason;
  return made;
}

// Finds the kernel's name of the device that is disk `n`, and nothing but it. False with errno.
static bool find_device(const struct disk *disks, size_t count, size_t n, char *name) {
  char path[PATH_BYTES];
  snprintf(path, sizeof path, "/dev/%s", disks[n].device);
  if (!device_appears(path)) return false;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  uint64_t bytes = 0;
  bool known = fd >= 0 && ioctl(fd, BLKGETSIZE64, &bytes) == 0;
  if (fd >= 0) close(fd);
  if (!known) return false;
  uint64_t total = bytes / SECTOR_BYTES, rest = sectors_on_device(disks, count, n, n);
  if (rest > total) {
    errno = ENOSPC;
    return false;
  }
  snprintf(name, NAME_BYTES, "%s", disks[n].device);
  return disks[n].sectors == total || make_loop(path, total - rest, &disks[n], name);
}

static bool mount_as(const char *type, const char *device, const struct disk *disk) {
  const unsigned long flags = FLAGS | MS_SILENT | (disk->read_only ? MS_RDONLY : 0);
  if (mount(device, disk->target, type, flags, NULL) == 0) return true;
  // Nothing can be mended on what cannot be written: as it is, then, without what its journal still holds.
  return disk->read_only && errno == EROFS &&
         mount(device, disk->target, type, flags, "norecovery") == 0;
}

// Tries every file system the kernel knows for block devices, as `mount -t auto` does. False with errno: EUCLEAN for
// a damaged one, EROFS for one that must be mended first, EINVAL for none at all.
static bool mount_any(const char *device, const struct disk *disk) {
  FILE *list = fopen("/proc/filesystems", "re");
  if (list == NULL) return false;
  char line[64];
  int reason = EINVAL;
  bool done = false;
  while (!done && fgets(line, sizeof line, list) != NULL) {
    // "nodev\tproc", but "\text4".
    if (line[0] != '\t') continue;
    line[strcspn(line, "\n")] = '\0';
    done = mount_as(line + 1, device, disk);
    // Others (EIO, ENOMEM) come of taking any bytes for one of its own.
    if (!done && (errno == EUCLEAN || errno == EROFS)) reason = errno;
  }
  fclose(list);
  errno = reason;
  return done;
}

// The file system is on all of the disk, or on its first partition.
static void mount_disk(const struct disk *disk, const char *name, size_t n) {
  if (!directory_make(disk->target)) {
    warn("disk /dev/disk%zu: make %s: %s", n, disk->target, strerror(errno));
    return;
  }
  char device[PATH_BYTES], partition[PATH_BYTES];
  snprintf(device, sizeof device, "/dev/%s", name);
  // "vdd1", but "loop0p1".
  const char *mark = strncmp(name, "loop", 4) == 0 ? "p" : "";
  snprintf(partition, sizeof partition, "/dev/%s%s1", name, mark);
  bool partitioned = access(partition, F_OK) == 0;
  if (mount_any(device, disk) || (partitioned && mount_any(partition, disk))) {
    mounted[mounted_count++] = disk->target;
    return;
  }
  const char *reason =
      errno == EINVAL ? "it has no file system that can be mounted" : strerror(errno);
  warn("disk /dev/disk%zu is not at %s: %s", n, disk->target, reason);
}

static void attach(const struct disk *disks, size_t count, size_t n) {
  char name[NAME_BYTES], link[PATH_BYTES];
  if (!find_device(disks, count, n, name)) {
    warn("disk /dev/disk%zu: %s: %s", n, disks[n].device, strerror(errno));
    return;
  }
  snprintf(link, sizeof link, "/dev/disk%zu", n);
  if (symlink(name, link) != 0) warn("link %s to %s: %s", link, name, strerror(errno));
  if (disks[n].target[0] != '\0') mount_disk(&disks[n], name, n);
}

void disks_attach(const struct disk *disks, size_t count) {
  for (size_t n = 0; n < count && n < DISKS_MAX; n++) attach(disks, count, n);
}

void disks_unmount(void) {
  while (mounted_count > 0) {
    const char *target = mounted[--mounted_count];
    if (umount2(target, 0) == 0) continue;
    // Something still holds it: what is written is on the disk all the same.
    mount(NULL, target, NULL, MS_REMOUNT | MS_RDONLY | FLAGS, NULL);
    umount2(target, MNT_DETACH);
  }
}
