// SPDX-License-Identifier: Apache-2.0
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "accounts.h"
#include "files.h"
#include "mounts.h"
#include "search-path.h"
#include "sshd.h"
#include "words.h"

#define MAX_ENV_BYTES (2 * 1024 * 1024)
#define MAX_WORDS 32768
#define MAX_PASSWD_BYTES (4 * 1024 * 1024)
#define MAX_MOTD_BYTES (16 * 1024)
#define BUNDLE_SHELL BUNDLE "/bin/sh"
#define PATH_SCRIPT BUNDLE "/etc/session-path.sh"
#define CANNOT_RUN 126

struct session {
  struct words env;
  char *workdir;
  struct account root;
  char shell[ACCOUNT_TEXT_BYTES];
};

__attribute__((format(printf, 1, 2), noreturn)) static void die(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("microvm: ", stderr);
  vfprintf(stderr, format, arguments);
  fprintf(stderr, ": %s\n", strerror(errno));
  exit(CANNOT_RUN);
}

static void set(struct session *session, const char *name, const char *value) {
  if (!env_set(&session->env, name, value)) die("set %s", name);
}

static bool is_set(const struct session *session, const char *name) {
  const char *value = env_get(session->env.items, name);
  return value != NULL && value[0] != '\0';
}

// Reads what init left in sshd's root, then leaves that root for the machine's.
static void enter_machine(struct session *session) {
  size_t length;
  char *env = file_load(AT_FDCWD, SSHD_ENV_FILE, MAX_ENV_BYTES, &length);
  if (env == NULL || !words_parse(&session->env, env, length, MAX_WORDS)) die("read the environment");
  session->workdir = file_load(AT_FDCWD, SSHD_WORKDIR_FILE, MAX_ENV_BYTES, NULL);
  if (session->workdir == NULL) die("read the working directory");
  int machine = open("/proc/1/ns/mnt", O_RDONLY | O_CLOEXEC);
  if (machine < 0 || setns(machine, CLONE_NEWNS) != 0) die("enter the machine's root");
  close(machine);
}

// True for a shell that lets someone work: it is there, and is not one that refuses.
static bool is_usable_shell(const char *shell) {
  const char *name = strrchr(shell, '/');
  if (name == NULL || access(shell, X_OK) != 0) return false;
  return strcmp(name, "/nologin") != 0 && strcmp(name, "/false") != 0 && strcmp(name, "/sync") != 0;
}

static void find_root(struct session *session) {
  char *passwd = file_load(AT_FDCWD, "/etc/passwd", MAX_PASSWD_BYTES, NULL);
  account_root(&session->root, passwd == NULL ? "" : passwd);
  free(passwd);
  const char *own = session->root.shell[0] == '\0' ? "/bin/sh" : session->root.shell;
  snprintf(session->shell, sizeof session->shell, "%s", is_usable_shell(own) ? own : BUNDLE_SHELL);
  mkdir(session->root.home, 0700);  // most often it is there
}

// UTF-8 unless the image says otherwise. glibc without its C.UTF-8 would only complain about it.
static void set_language(struct session *session) {
  if (is_set(session, "LANG") || is_set(session, "LC_ALL") || is_set(session, "LC_CTYPE")) return;
  bool has_glibc = access("/lib64/ld-linux-x86-64.so.2", F_OK) == 0 ||
                   access("/lib/ld-linux-aarch64.so.1", F_OK) == 0;
  bool has_locale = access("/usr/lib/locale/C.utf8", F_OK) == 0 ||
                    access("/usr/lib/locale/C.UTF-8", F_OK) == 0;
  if (has_locale || !has_glibc) set(session, "LANG", "C.UTF-8");
}

// No SSH client can send this through dropbear. Terminals that call themselves so show 24-bit colour.
static void set_colours(struct session *session) {
  const char *term = getenv("TERM");
  if (term == NULL || strcmp(term, "xterm-256color") != 0 || is_set(session, "COLORTERM")) return;
  set(session, "COLORTERM", "truecolor");
}

static void set_environment(struct session *session) {
  static const char *const from_sshd[] = {"TERM", "SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY",
                                          "SSH_AUTH_SOCK"};
  for (size_t i = 0; i < sizeof from_sshd / sizeof *from_sshd; i++) {
    const char *value = getenv(from_sshd[i]);
    if (value != NULL) set(session, from_sshd[i], value);
  }
  set(session, "USER", session->root.name);
  set(session, "LOGNAME", session->root.name);
  set(session, "HOME", session->root.home);
  set(session, "SHELL", session->shell);
  set_language(session);
  set_colours(session);
  // The bundle's tools come last: they help where the image has none, and hide nothing of it.
  const char *path = is_set(session, "PATH") ? env_get(session->env.items, "PATH") : DEFAULT_PATH;
  size_t size = strlen(path) + sizeof ":" BUNDLE "/bin";
  char *full = malloc(size);
  if (full == NULL) die("set PATH");
  snprintf(full, size, "%s:" BUNDLE "/bin", path);
  set(session, "PATH", full);
}

// Many images' /etc/profile sets PATH anew and loses the image's own folders (/usr/local/go/bin). A login
// shell can be asked to read one more file after its profile: bash before its first prompt, others by ENV.
static void keep_path_after_profile(struct session *session) {
  const char *name = strrchr(session->shell, '/') + 1;
  bool bash = strcmp(name, "bash") == 0;
  bool posix = strcmp(name, "sh") == 0 || strcmp(name, "ash") == 0 || strcmp(name, "dash") == 0;
  const char *hook = bash ? "PROMPT_COMMAND" : "ENV";
  if ((!bash && !posix) || is_set(session, hook)) return;
  set(session, "MICROVM_PATH", env_get(session->env.items, "PATH"));
  set(session, hook, bash ? ". " PATH_SCRIPT : PATH_SCRIPT);
}

static void print_motd(const struct session *session) {
  char hush[ACCOUNT_TEXT_BYTES + 16];
  snprintf(hush, sizeof hush, "%s/.hushlogin", session->root.home);
  if (!isatty(STDOUT_FILENO) || access(hush, F_OK) == 0) return;
  char *motd = file_load(AT_FDCWD, "/etc/motd", MAX_MOTD_BYTES, NULL);
  if (motd != NULL) fputs(motd, stdout);
  fflush(stdout);
  free(motd);
}

static void change_directory(const char *wanted, const char *otherwise) {
  if (wanted[0] == '/' && chdir(wanted) == 0) return;
  if (chdir(otherwise) != 0 && chdir("/") != 0) die("change to /");
}

__attribute__((noreturn)) static void login(struct session *session) {
  char name[ACCOUNT_TEXT_BYTES + 1];
  keep_path_after_profile(session);
  if (strcmp(session->shell, BUNDLE_SHELL) == 0 && !is_set(session, "PS1"))
    set(session, "PS1", "root@\\h:\\w# ");
  change_directory(session->root.home, "/");
  print_motd(session);
  snprintf(name, sizeof name, "-%s", strrchr(session->shell, '/') + 1);
  char *const argv[] = {name, NULL};
  execve(session->shell, argv, session->env.items);
  // There, but it does not start: say so, and let people in all the same.
  fprintf(stderr, "microvm: %s: %s\n", session->shell, strerror(errno));
  char *const fallback[] = {"-sh", NULL};
  execve(BUNDLE_SHELL, fallback, session->env.items);
  die("start a shell");
}

__attribute__((noreturn)) static void run_command(struct session *session, char *command) {
  change_directory(session->workdir, session->root.home);
  char *const argv[] = {strrchr(session->shell, '/') + 1, "-c", command, NULL};
  execve(session->shell, argv, session->env.items);
  die("%s", session->shell);
}

__attribute__((noreturn)) static void run_sftp(struct session *session) {
  // Through the bundle's own loader: the image may have another C library, or none.
  static const char loader[] = BUNDLE "/lib/ld-linux.so";
  char *const argv[] = {"ld-linux.so",    "--inhibit-cache",
                        "--library-path", BUNDLE "/lib",
                        "--preload",      BUNDLE "/lib/root-account.so",
                        "--argv0",        "sftp-server",
                        BUNDLE "/libexec/sftp-server", NULL};
  change_directory(session->root.home, "/");
  execve(loader, argv, session->env.items);
  die("start the sftp server");
}

void session_main(int argc, char **argv) {
  struct session session = {0};
  enter_machine(&session);
  find_root(&session);
  set_environment(&session);
  if (argc == 3 && strcmp(argv[1], "-c") == 0) {
    if (strcmp(argv[2], SSHD_SFTP_COMMAND) == 0) run_sftp(&session);
    run_command(&session, argv[2]);
  }
  login(&session);
}
