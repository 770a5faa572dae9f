// SPDX-License-Identifier: Apache-2.0
#include "sshd.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child.h"
#include "files.h"
#include "log.h"
#include "mounts.h"

#define PORT 22
#define BACKLOG 32
// Far above what one app and its terminals open; keeps a flood from eating the machine's memory.
#define MAX_CONNECTIONS 64
// Bytes a client may send ahead on one channel; dropbear's own 24 KiB slow down uploads.
#define WINDOW "1048576"

static int name_space = -1;
static int listener = -1;
static pid_t connections[MAX_CONNECTIONS];

static void make_file(const char *path, const void *data, size_t length) {
  if (!file_replace(path, data, length, 0600, 0, 0)) fatal("sshd: write %s: %s", path, strerror(errno));
}

static void make_text(const char *path, const char *text) { make_file(path, text, strlen(text)); }

// Relative paths: the working directory is the new root while it is being filled.
static void make_directories(void) {
  static const char *const directories[] = {"dev", "proc",  "tmp",    "etc",
                                            "keys", "state", BUNDLE + 1};
  for (size_t i = 0; i < sizeof directories / sizeof *directories; i++)
    if (mkdir(directories[i], 0755) != 0)
      fatal("sshd: make %s: %s", directories[i], strerror(errno));
}

static void bring_mounts(void) {
  static const struct {
    const char *path;
    unsigned long flags;
  } binds[] = {
      {"/dev", MS_BIND | MS_REC},  // with its pts: terminals must be those of the machine
      {"/tmp", MS_BIND},           // sockets of forwarded agents
      {BUNDLE, MS_BIND},           // not its mnt/root, where this root itself is mounted
  };
  for (size_t i = 0; i < sizeof binds / sizeof *binds; i++)
    if (mount(binds[i].path, binds[i].path + 1, NULL, binds[i].flags, NULL) != 0)
      fatal("sshd: mount %s: %s", binds[i].path, strerror(errno));
  if (mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0)
    fatal("sshd: mount proc: %s", strerror(errno));
  // The default paths of loader and libraries lead into the bundle.
  if (symlink(BUNDLE "/lib", "lib") != 0 || symlink(BUNDLE "/lib", "lib64") != 0 ||
      symlink(BUNDLE "/init", "session") != 0)
    fatal("sshd: link: %s", strerror(errno));
}

static void write_files(struct guest_config *config) {
  char text[512];
  make_text("etc/passwd", "root:x:0:0:root:/:/session\n");
  make_text("etc/group", "root:x:0:\ntty:x:5:\n");
  make_text("etc/shells", "/session\n");
  make_text("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n");
  // For forwarded connections, whose names dropbear looks up itself.
  snprintf(text, sizeof text, "127.0.0.1 localhost %s\n", config->hostname);
  make_text("etc/hosts", text);
  snprintf(text, sizeof text, "nameserver %s\n", config->dns);
  make_text("etc/resolv.conf", text);
  make_text("keys/authorized_keys", config->authorized_keys);
  make_file("host-key", config->host_key, config->host_key_length);
  explicit_bzero(config->host_key, config->host_key_length);
  free(config->host_key);
  config->host_key = NULL;
  make_file(SSHD_ENV_FILE + 1, config->env.storage, config->env.length);
  make_text(SSHD_WORKDIR_FILE + 1, config->workdir);
}

// Leaves `name_space` open on a namespace whose root is the small one; init stays where it was.
static void build_name_space(struct guest_config *config) {
  int home = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
  if (home < 0 || unshare(CLONE_NEWNS) != 0) fatal("sshd: new namespace: %s", strerror(errno));
  if (mount("sshd", MOUNT_ROOT, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=4m") != 0 ||
      chdir(MOUNT_ROOT) != 0)
    fatal("sshd: make its root: %s", strerror(errno));
  make_directories();
  bring_mounts();
  write_files(config);
  if (syscall(SYS_pivot_root, ".", ".") != 0 || umount2(".", MNT_DETACH) != 0 || chdir("/") != 0)
    fatal("sshd: change to its root: %s", strerror(errno));
  name_space = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
  if (name_space < 0 || setns(home, CLONE_NEWNS) != 0)
    fatal("sshd: come back: %s", strerror(errno));
  close(home);
}

static void listen_on_port(void) {
  // Also init's own descriptor: it must not block if a client is gone before accept.
  listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int on = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(PORT)};
  if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
      listen(listener, BACKLOG) != 0)
    fatal("sshd: listen on port %d: %s", PORT, strerror(errno));
}

void sshd_start(struct guest_config *config) {
  build_name_space(config);
  listen_on_port();
}

int sshd_fd(void) { return listener; }

static void run_dropbear(int connection) {
  static const char *const argv[] = {"dropbear", "-i", "-E", "-s",        "-m", "-D", "/keys",
                                     "-r",       "/host-key", "-W", WINDOW, NULL};
  static const char *const env[] = {"PATH=/.microvm/bin", NULL};
  child_reset();
  if (setns(name_space, CLONE_NEWNS) != 0) _exit(1);
  // Its log goes to the kernel's: bounded, read with dmesg, out of the entrypoint's terminal.
  int log = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (dup2(connection, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
      dup2(log < 0 ? null : log, STDERR_FILENO) < 0)
    _exit(1);
  execve(BUNDLE "/sbin/dropbear", (char *const *)argv, (char *const *)env);
  _exit(1);
}

static pid_t *free_slot(void) {
  for (size_t i = 0; i < MAX_CONNECTIONS; i++)
    if (connections[i] == 0) return &connections[i];
  return NULL;
}

void sshd_accept(void) {
  int connection;
  while ((connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
    pid_t *slot = free_slot();
    pid_t pid = slot == NULL ? -1 : fork();
    if (pid == 0) run_dropbear(connection);
    if (pid > 0) *slot = pid;
    else warn("sshd: refused a connection: %s", slot == NULL ? "too many" : strerror(errno));
    close(connection);
  }
}

void sshd_stop_listening(void) {
  if (listener >= 0) close(listener);
  listener = -1;
}

void sshd_child_ended(pid_t pid) {
  for (size_t i = 0; i < MAX_CONNECTIONS; i++)
    if (connections[i] == pid) connections[i] = 0;
}
