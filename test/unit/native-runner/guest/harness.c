// SPDX-License-Identifier: Apache-2.0
// Calls one of init's functions with what the command line and standard input give, and prints what it
// returned, for guest-functions.test.ts. Built with the address and undefined-behaviour sanitizers.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accounts.h"
#include "authorized-keys.h"
#include "files.h"
#include "json.h"
#include "requests.h"
#include "search-path.h"
#include "words.h"

static char input[1 << 20];
static size_t input_length;

static void read_input(void) {
  ssize_t count;
  while ((count = read(STDIN_FILENO, input + input_length, sizeof input - 1 - input_length)) > 0)
    input_length += (size_t)count;
}

// A block of exactly this size, so that the sanitizer sees one byte too many.
static char *exact_copy(const char *bytes, size_t length) {
  char *copy = malloc(length == 0 ? 1 : length);
  if (copy != NULL) memcpy(copy, bytes, length);
  return copy;
}

static void test_json(void) {
  struct json_line line;
  char *text = exact_copy(input, input_length + 1);
  json_begin(&line, "warning", 1234567);
  json_text(&line, "message", text);
  json_int(&line, "code", -7);
  json_tenths(&line, "share", 995);
  json_end(&line);
  fwrite(line.text, 1, line.length, stdout);
  free(text);
}

static void test_words(size_t max) {
  struct words words;
  if (!words_parse(&words, exact_copy(input, input_length), input_length, max)) {
    puts("refused");
    return;
  }
  for (size_t i = 0; i < words.count; i++) printf("[%s]", words.items[i]);
  puts(words.items[words.count] == NULL ? "" : "no end");
}

static void test_env(char **assignments, size_t count) {
  struct words env;
  if (!words_parse(&env, exact_copy(input, input_length), input_length, 100)) return;
  for (size_t i = 0; i + 1 < count; i += 2) env_set(&env, assignments[i], assignments[i + 1]);
  for (char **item = env.items; *item != NULL; item++) printf("[%s]", *item);
  const char *value = env_get(env.items, "A");
  printf("A=%s\n", value == NULL ? "(none)" : value);
}

// Input: the text of passwd, a line "--", the text of group.
static void test_account(const char *spec) {
  static const char *const results[] = {"found", "no-user", "no-group"};
  struct account account;
  char *group = strstr(input, "--\n");
  if (group != NULL) {
    *group = '\0';
    group += 3;
  }
  int result = account_resolve(&account, spec, input, group == NULL ? "" : group);
  if (result != ACCOUNT_FOUND) {
    puts(results[result]);
    return;
  }
  printf("%s %u:%u groups=", results[result], account.uid, account.gid);
  for (size_t i = 0; i < account.group_count; i++) printf("%u,", account.groups[i]);
  printf(" name=%s home=%s shell=%s\n", account.name, account.home, account.shell);
}

static void test_root(void) {
  struct account account;
  account_root(&account, input);
  printf("%s %s %s\n", account.name, account.home, account.shell);
}

static void print_result(bool ok) { puts(ok ? "ok" : strerror(errno)); }

static const char *or_none(const char *text) { return text == NULL ? "(none)" : text; }

static void test_copy(const char *from, const char *to) {
  print_result(tree_copy(open(from, O_RDONLY | O_DIRECTORY), open(to, O_RDONLY | O_DIRECTORY)));
}

static void test_load(const char *path, size_t max) {
  size_t length;
  char *data = file_load(AT_FDCWD, path, max, &length);
  if (data == NULL) puts(strerror(errno));
  else printf("%zu %s\n", length, data);
  free(data);
}

int main(int argc, char **argv) {
  const char *name = argc > 1 ? argv[1] : "";
  const char *first = argc > 2 ? argv[2] : "", *second = argc > 3 ? argv[3] : "";
  read_input();
  if (strcmp(name, "json") == 0) test_json();
  else if (strcmp(name, "words") == 0) test_words((size_t)atoi(first));
  else if (strcmp(name, "env") == 0) test_env(argv + 2, (size_t)argc - 2);
  else if (strcmp(name, "account") == 0) test_account(first);
  else if (strcmp(name, "root") == 0) test_root();
  else if (strcmp(name, "keys") == 0) puts(authorized_keys_usable(input) ? "usable" : "useless");
  else if (strcmp(name, "signal") == 0) puts(or_none(request_of_signal(atoi(first))));
  else if (strcmp(name, "initctl") == 0) puts(or_none(request_of_initctl(input, input_length)));
  else if (strcmp(name, "replace") == 0)
    print_result(file_replace(first, input, input_length, 0640, getuid(), getgid()));
  else if (strcmp(name, "copy") == 0) test_copy(first, second);
  else if (strcmp(name, "load") == 0) test_load(first, (size_t)atoi(second));
  else if (strcmp(name, "mkdir") == 0) print_result(directory_make(first));
  else if (strcmp(name, "execute") == 0)
    puts(strerror(search_path_execute(argv + 3, (char *[]){NULL}, first)));
  else return 64;
  return 0;
}
