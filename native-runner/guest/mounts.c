// SPDX-License-Identifier: Apache-2.0
#include "mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "files.h"
#include "log.h"

#define DEVICE_WAIT_MS 1000
#define POLL_MS 2

struct file_system {
  const char *target, *type, *options;
  unsigned long flags;
};

static void sleep_ms(long ms) {
  struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
  nanosleep(&time, NULL);
}

bool device_appears(const char *path) {
  for (int waited = 0; access(path, F_OK) != 0; waited += POLL_MS) {
    if (waited >= DEVICE_WAIT_MS) return false;
    sleep_ms(POLL_MS);
  }
  return true;
}

void device_wait(const char *path) {
  if (!device_appears(path)) fatal("%s did not appear", path);
}

// Descriptors 0 to 2: the kernel could not open /dev/console if the image has no /dev.
static void open_console(void) {
  int console = -1;
  for (int waited = 0; console < 0 && waited < DEVICE_WAIT_MS; waited += POLL_MS) {
    // Init must not wait for a host that does not read; the entrypoint opens it for itself.
    console = open(MOUNT_DEV "/hvc0", O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (console < 0) sleep_ms(POLL_MS);
  }
  if (console < 0) console = open(MOUNT_DEV "/null", O_RDWR);
  if (console < 0) return;
  for (int fd = 0; fd < 3; fd++)
    if (fd != console) dup2(console, fd);
  if (console > 2) close(console);
  // A serial console knows no size; programs that ask get the classic one instead of 0 x 0.
  struct winsize size = {.ws_row = 24, .ws_col = 80};
  ioctl(STDIN_FILENO, TIOCSWINSZ, &size);
}

void mounts_early(void) {
  // A VMM's own init may have made all mounts shared, and pivot_root refuses those.
  mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
  if (mount("dev", MOUNT_DEV, "devtmpfs", MS_NOSUID, NULL) != 0)
    fatal("mount devtmpfs: %s", strerror(errno));
  open_console();
  if (mount("sys", MOUNT_SYS, "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0)
    fatal("mount sysfs: %s", strerror(errno));
}

// A directory to mount on. Whatever else the image has under this name gives way.
static bool make_mount_point(const char *path) {
  struct stat info;
  if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) return true;
  if (unlink(path) == 0) warn("%s of the image is no directory and was replaced", path);
  return mkdir(path, 0755) == 0;
}

static bool mount_one(const struct file_system *fs) {
  if (!make_mount_point(fs->target)) return false;
  // EBUSY: it is there already, by the doing of a VMM's own init.
  return mount(fs->type, fs->target, fs->type, fs->flags, fs->options) == 0 || errno == EBUSY;
}

static void mount_run(void) {
  const struct file_system run = {"/run", "tmpfs", "mode=755,size=64m", MS_NOSUID | MS_NODEV};
  int image_run = open("/run", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (!mount_one(&run)) fatal("mount /run: %s", strerror(errno));
  if (image_run < 0) return;
  int new_run = open("/run", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (new_run < 0 || !tree_copy(image_run, new_run))
    warn("copy the image's /run: %s", strerror(errno));
  if (new_run >= 0) close(new_run);
  close(image_run);
}

static void link_standard_devices(void) {
  static const char *const links[][2] = {
      {"/proc/self/fd", "/dev/fd"},
      {"/proc/self/fd/0", "/dev/stdin"},
      {"/proc/self/fd/1", "/dev/stdout"},
      {"/proc/self/fd/2", "/dev/stderr"},
  };
  for (size_t i = 0; i < sizeof links / sizeof *links; i++)
    if (symlink(links[i][0], links[i][1]) != 0 && errno != EEXIST)
      warn("link %s: %s", links[i][1], strerror(errno));
}

void mounts_system(unsigned tmp_mib) {
  const unsigned long quiet = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  char tmp_options[64];
  snprintf(tmp_options, sizeof tmp_options, "mode=1777,size=%um", tmp_mib);
  const struct file_system needed[] = {
      {"/proc", "proc", NULL, quiet},
      {"/sys", "sysfs", NULL, quiet},
      {"/dev", "devtmpfs", NULL, MS_NOSUID},
      // 5 is the group "tty" nearly everywhere; a terminal's mode matters more than its group.
      {"/dev/pts", "devpts", "gid=5,mode=620,ptmxmode=666", MS_NOSUID | MS_NOEXEC},
      {"/dev/shm", "tmpfs", "mode=1777", MS_NOSUID | MS_NODEV},
      {"/tmp", "tmpfs", tmp_options, MS_NOSUID | MS_NODEV},
  };
  const struct file_system optional[] = {
      {"/sys/fs/cgroup", "cgroup2", "nsdelegate", quiet},
      {"/dev/mqueue", "mqueue", NULL, quiet},
  };
  for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
    if (!mount_one(&needed[i])) fatal("mount %s: %s", needed[i].target, strerror(errno));
  mount_run();
  // A kernel without them still runs most images.
  for (size_t i = 0; i < sizeof optional / sizeof *optional; i++)
    if (!mount_one(&optional[i]) && errno != ENODEV)
      warn("mount %s: %s", optional[i].target, strerror(errno));
  link_standard_devices();
}
