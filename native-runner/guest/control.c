// SPDX-License-Identifier: Apache-2.0
#include "control.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "files.h"

// CONTROL_PORT_NAME of src/contract/guest-protocol.ts.
#define PORT_NAME "org.microvm.control"
// Sixteen of the longest lines; a runner that reads nothing for so long loses later ones.
#define QUEUE_BYTES (16 * JSON_LINE_BYTES)
#define COMMAND_BYTES 256

static const char *sys_dir, *dev_dir;
static int input = -1, output = -1;
static char queue[QUEUE_BYTES];
static size_t queued;
static char pending[COMMAND_BYTES];
static size_t pending_length;
static bool pending_too_long;

uint64_t uptime_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t uptime_ms(void) { return uptime_us() / 1000; }

static int take_stream(int stream) {
  int fd = fcntl(stream, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  if (fd >= 0) fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  return fd;
}

void control_take_streams(void) {
  // CONTROL_VARIABLE of src/contract/krun-report.ts.
  const char *control = getenv("MICROVM_CONTROL");
  if (control == NULL || strcmp(control, "stdio") != 0) return;
  input = take_stream(STDIN_FILENO);
  output = take_stream(STDERR_FILENO);
}

void control_look_in(const char *sys, const char *dev) {
  sys_dir = sys;
  dev_dir = dev;
}

static bool is_control_port(int ports, const char *name) {
  char path[300];
  snprintf(path, sizeof path, "%s/name", name);
  // sysfs says 4096 bytes whatever the file holds, so the size is no guide: read what is there.
  int fd = openat(ports, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  char text[64];
  ssize_t length = read(fd, text, sizeof text - 1);
  close(fd);
  if (length <= 0) return false;
  text[length] = '\0';
  text[strcspn(text, "\n")] = '\0';
  return strcmp(text, PORT_NAME) == 0;
}

bool control_open(void) {
  if (output >= 0) return true;
  char path[512];
  snprintf(path, sizeof path, "%s/class/virtio-ports", sys_dir);
  DIR *list = opendir(path);
  if (list == NULL) return false;
  struct dirent *entry;
  while (output < 0 && (entry = readdir(list)) != NULL) {
    if (entry->d_name[0] == '.' || !is_control_port(dirfd(list), entry->d_name)) continue;
    snprintf(path, sizeof path, "%s/%s", dev_dir, entry->d_name);
    input = output = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  }
  closedir(list);
  if (output >= 0) control_flush();
  return output >= 0;
}

int control_fd(void) { return input; }

int control_write_fd(void) { return output; }

bool control_wants_to_write(void) { return output >= 0 && queued > 0; }

void control_flush(void) {
  while (control_wants_to_write()) {
    ssize_t count = write(output, queue, queued);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    queued -= (size_t)count;
    memmove(queue, queue + count, queued);
  }
}

void control_drain(int ms) {
  uint64_t end = uptime_ms() + (uint64_t)ms;
  while (queued > 0 && uptime_ms() < end) {
    control_open();
    control_flush();
    if (queued == 0) break;
    // A port that is missing or hung up cannot be waited for with poll alone.
    struct pollfd wait = {.fd = output, .events = POLLOUT};
    if (poll(&wait, 1, 5) > 0 && (wait.revents & POLLHUP)) poll(NULL, 0, 5);
  }
}

void control_send(struct json_line *line) {
  json_end(line);
  // Whole lines only: half a line would spoil the next one too.
  if (line->length <= sizeof queue - queued) {
    memcpy(queue + queued, line->text, line->length);
    queued += line->length;
  }
  control_open();
  control_flush();
}

void control_event(const char *name) {
  struct json_line line;
  json_begin(&line, name, uptime_us());
  control_send(&line);
}

void control_event_text(const char *name, const char *key, const char *value) {
  struct json_line line;
  json_begin(&line, name, uptime_us());
  json_text(&line, key, value);
  control_send(&line);
}

void control_event_number(const char *name, const char *key, int64_t value) {
  struct json_line line;
  json_begin(&line, name, uptime_us());
  json_int(&line, key, value);
  control_send(&line);
}

static void take_byte(char byte, void (*command)(char *line)) {
  if (byte != '\n') {
    if (pending_length < sizeof pending - 1) pending[pending_length++] = byte;
    else pending_too_long = true;
    return;
  }
  pending[pending_length] = '\0';
  if (!pending_too_long) command(pending);
  pending_length = 0;
  pending_too_long = false;
}

bool control_read(void (*command)(char *line)) {
  char bytes[512];
  for (;;) {
    ssize_t count = read(input, bytes, sizeof bytes);
    if (count < 0 && errno == EINTR) continue;
    // virtio-serial answers 0 while the host side is closed.
    if (count == 0) return false;
    if (count < 0) return errno == EAGAIN;
    for (ssize_t i = 0; i < count; i++) take_byte(bytes[i], command);
  }
}
