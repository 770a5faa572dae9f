// SPDX-License-Identifier: Apache-2.0
#include "entrypoint.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "accounts.h"
#include "child.h"
#include "control.h"
#include "files.h"
#include "log.h"
#include "search-path.h"

#define CONSOLE "/dev/hvc0"
#define MAX_ACCOUNTS_BYTES (4 * 1024 * 1024)
#define NOT_FOUND 127
#define NOT_EXECUTABLE 126
#define NOT_PREPARED 125

// What the new process writes to init's pipe if it fails; the pipe closes by itself on success.
struct failure {
  int code;
  char message[1024];
};

__attribute__((format(printf, 3, 4), noreturn)) static void fail(int report, int code,
                                                                  const char *format, ...) {
  struct failure failure = {.code = code};
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(failure.message, sizeof failure.message, format, arguments);
  va_end(arguments);
  ssize_t written = write(report, &failure, sizeof failure);
  _exit(written == sizeof failure ? code : NOT_PREPARED);
}

static void find_user(struct account *account, const char *spec, int report) {
  char *passwd = file_load(AT_FDCWD, "/etc/passwd", MAX_ACCOUNTS_BYTES, NULL);
  char *group = file_load(AT_FDCWD, "/etc/group", MAX_ACCOUNTS_BYTES, NULL);
  switch (account_resolve(account, spec, passwd == NULL ? "" : passwd, group == NULL ? "" : group)) {
    case ACCOUNT_FOUND: break;
    case ACCOUNT_NO_USER: fail(report, NOT_PREPARED, "user %s: no such user in the image", spec);
    case ACCOUNT_NO_GROUP: fail(report, NOT_PREPARED, "user %s: no such group in the image", spec);
  }
  free(passwd);
  free(group);
}

// Makes the console the controlling terminal, and the user's own: programs open /dev/stdout by name.
static void take_console(const struct account *account) {
  int console = open(CONSOLE, O_RDWR | O_NOCTTY);
  if (console < 0) return;  // what init had as its own is still better than nothing
  ioctl(console, TIOCSCTTY, 1);
  if (fchown(console, account->uid, account->gid) == 0) fchmod(console, 0620);
  for (int fd = 0; fd < 3; fd++) dup2(console, fd);
  if (console > 2) close(console);
}

static void change_directory(const char *workdir, int report) {
  // As root and made if missing, as container engines do.
  if (!directory_make(workdir) || chdir(workdir) != 0)
    fail(report, NOT_PREPARED, "working directory %s: %s", workdir, strerror(errno));
}

static void become(const struct account *account, int report) {
  if (setgroups(account->group_count, account->groups) != 0 || setgid(account->gid) != 0 ||
      setuid(account->uid) != 0)
    fail(report, NOT_PREPARED, "become user %u: %s", account->uid, strerror(errno));
}

static void complete_environment(struct words *env, const struct account *account,
                                 const char *hostname, int report) {
  const char *const defaults[][2] = {
      {"PATH", DEFAULT_PATH}, {"HOSTNAME", hostname}, {"HOME", account->home}, {"TERM", "xterm"}};
  for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
    if (env_get(env->items, defaults[i][0]) == NULL && !env_set(env, defaults[i][0], defaults[i][1]))
      fail(report, NOT_PREPARED, "environment: %s", strerror(errno));
}

__attribute__((noreturn)) static void report_execution(const char *program, const char *path,
                                                       int error, int report) {
  bool by_path = strchr(program, '/') == NULL;
  if (error == ENOENT && by_path)
    fail(report, NOT_FOUND, "%s: not found in PATH (%s)", program, path);
  if (error == ENOENT && access(program, F_OK) == 0)
    fail(report, NOT_FOUND, "%s: the interpreter or loader that it names is missing", program);
  if (error == ENOENT || error == ENOTDIR) fail(report, NOT_FOUND, "%s: not found", program);
  if (error == ENOEXEC)
    fail(report, NOT_EXECUTABLE, "%s: not a program for this machine, nor a script with #!", program);
  fail(report, NOT_EXECUTABLE, "%s: %s", program, strerror(error));
}

__attribute__((noreturn)) static void run(const struct guest_config *config, int report) {
  struct account account;
  struct words env = config->env;
  child_reset();
  find_user(&account, config->user, report);
  take_console(&account);
  change_directory(config->workdir, report);
  complete_environment(&env, &account, config->hostname, report);
  become(&account, report);
  const char *path = env_get(env.items, "PATH");
  int error = search_path_execute(config->argv.items, env.items, path);
  report_execution(config->argv.items[0], path, error, report);
}

pid_t entrypoint_start(const struct guest_config *config) {
  if (config->argv.count == 0) return 0;
  int pipe_ends[2];
  if (pipe2(pipe_ends, O_CLOEXEC) != 0) fatal("entrypoint: pipe: %s", strerror(errno));
  pid_t pid = fork();
  if (pid < 0) fatal("entrypoint: fork: %s", strerror(errno));
  if (pid == 0) run(config, pipe_ends[1]);
  close(pipe_ends[1]);
  struct failure failure;
  ssize_t count;
  do count = read(pipe_ends[0], &failure, sizeof failure);
  while (count < 0 && errno == EINTR);
  close(pipe_ends[0]);
  if (count == 0) {
    control_event_number("entrypoint-started", "pid", pid);
    return pid;
  }
  failure.message[sizeof failure.message - 1] = '\0';
  dprintf(STDERR_FILENO, "microvm: %s\n", failure.message);
  struct json_line line;
  json_begin(&line, "entrypoint-failed", uptime_us());
  json_int(&line, "code", failure.code);
  json_text(&line, "message", failure.message);
  control_send(&line);
  return -1;
}
