// SPDX-License-Identifier: Apache-2.0
#include "overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "files.h"
#include "log.h"
#include "mounts.h"

// linux/ext4.h is not exported to user space: _IOW('f', 16, __u64), the new size in blocks.
#define EXT4_IOC_RESIZE_FS _IOW('f', 16, uint64_t)

#define UPPER MOUNT_DISK "/upper"
#define WORK MOUNT_DISK "/work"
#define DISK_PREPARED "prepared"
#define DIRECTORY_PREPARED ".microvm-prepared"
// linux/magic.h: FUSE_SUPER_MAGIC, which virtio-fs has, too.
#define FUSE_MAGIC 0x65735546

// Root directory of the disk. Its mount is detached from every path, so that nothing inside can
// change upper/ behind overlayfs's back; this descriptor keeps it alive.
static int disk = -1;
static const char *prepared = DISK_PREPARED;

// Growing takes 1 to 2 ms per 128 MiB under emulation: up to here a boot waits for it, the rest of a
// larger disk comes while the machine is in use already.
#define GROW_BEFORE_BOOT (16ULL << 30)

static void resize(uint64_t blocks) {
  if (ioctl(disk, EXT4_IOC_RESIZE_FS, &blocks) != 0)
    warn("disk: grow the file system: %s", strerror(errno));
}

static void grow(const char *device) {
  int fd = open(device, O_RDONLY | O_CLOEXEC);
  uint64_t bytes = 0;
  struct statfs info;
  bool known = fd >= 0 && ioctl(fd, BLKGETSIZE64, &bytes) == 0 && fstatfs(disk, &info) == 0;
  if (!known) warn("disk: read its size: %s", strerror(errno));
  if (fd >= 0) close(fd);
  if (!known) return;
  uint64_t block = (uint64_t)info.f_bsize;
  if (bytes <= GROW_BEFORE_BOOT) {
    resize(bytes / block);
    return;
  }
  // The figure is without the file system's own blocks: well below means not grown so far yet.
  if (info.f_blocks * block < GROW_BEFORE_BOOT / 2) resize(GROW_BEFORE_BOOT / block);
  pid_t child = fork();
  if (child < 0) warn("disk: grow the file system: fork: %s", strerror(errno));
  if (child == 0) {
    resize(bytes / block);
    _exit(0);
  }
}

static void mount_disk(const char *device) {
  device_wait(device);
  // discard: what the guest deletes is given back to the host.
  if (mount(device, MOUNT_DISK, "ext4", MS_NOATIME, "discard") != 0)
    fatal("disk: mount: %s", strerror(errno));
  disk = open(MOUNT_DISK, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (disk < 0) fatal("disk: open: %s", strerror(errno));
  grow(device);
}

static void mount_overlay(void) {
  if (mkdir(UPPER, 0755) == 0) {
    // The root directory of an overlay has the owner and mode of its upper directory.
    struct stat image;
    if (stat("/", &image) != 0 || chown(UPPER, image.st_uid, image.st_gid) != 0 ||
        chmod(UPPER, image.st_mode & 07777) != 0)
      warn("disk: take over the mode of /: %s", strerror(errno));
  } else if (errno != EEXIST) {
    fatal("disk: make upper: %s", strerror(errno));
  }
  if (mkdir(WORK, 0700) != 0 && errno != EEXIST) fatal("disk: make work: %s", strerror(errno));
  // index=off: the image disk may be laid out anew (a new bundle) under an old machine's disk.
  const char *options = "lowerdir=/,upperdir=" UPPER ",workdir=" WORK ",redirect_dir=on,index=off";
  if (mount("overlay", MOUNT_ROOT, "overlay", 0, options) != 0)
    fatal("root: mount overlay: %s", strerror(errno));
  // The image's own copy of the bundle, out of reach of anything that happens to the upper layer.
  if (!directory_make(MOUNT_ROOT BUNDLE) ||
      mount(BUNDLE, MOUNT_ROOT BUNDLE, NULL, MS_BIND, NULL) != 0)
    fatal("root: bring the bundle along: %s", strerror(errno));
}

void overlay_enter(const char *device) {
  mount_disk(device);
  mount_overlay();
  // With both names the same, the old root ends up on top of the new one, and is then detached.
  if (chdir(MOUNT_ROOT) != 0 || syscall(SYS_pivot_root, ".", ".") != 0 ||
      umount2(".", MNT_DETACH) != 0 || chdir("/") != 0)
    fatal("root: change to it: %s", strerror(errno));
}

bool root_is_directory(void) {
  struct statfs info;
  return statfs("/", &info) == 0 && info.f_type == FUSE_MAGIC;
}

void overlay_keep_directory(void) {
  prepared = DIRECTORY_PREPARED;
  disk = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (disk < 0) fatal("root: open: %s", strerror(errno));
  if (umount2(MOUNT_DEV, MNT_DETACH) != 0 || umount2(MOUNT_SYS, MNT_DETACH) != 0)
    warn("root: leave the early mounts: %s", strerror(errno));
  if (mount(BUNDLE, BUNDLE, NULL, MS_BIND, NULL) != 0 ||
      mount(NULL, BUNDLE, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) != 0)
    warn("root: make the bundle read-only: %s", strerror(errno));
}

bool overlay_is_prepared(void) { return faccessat(disk, prepared, F_OK, 0) == 0; }

void overlay_set_prepared(void) {
  int fd = openat(disk, prepared, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) warn("root: write %s: %s", prepared, strerror(errno));
  else close(fd);
}

void overlay_make_read_only(void) {
  if (disk < 0) return;
  mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY, NULL);
  // The disk has no path any more, and mount(2) wants one; fspick takes the descriptor.
  int context = fspick(disk, "", FSPICK_EMPTY_PATH | FSPICK_CLOEXEC);
  if (context < 0) return;
  fsconfig(context, FSCONFIG_SET_FLAG, "ro", NULL, 0);
  fsconfig(context, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0);
  close(context);
}
