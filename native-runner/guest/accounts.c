// SPDX-License-Identifier: Apache-2.0
#include "accounts.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define MAX_ID 2147483647u  // as Docker: ids above are refused
#define MAX_FIELDS 7

struct field {
  const char *text;
  size_t length;
};

// Splits the line at `*next` at its colons, moves `*next` past it. False at the end of the text.
static bool next_line(const char **next, struct field fields[MAX_FIELDS], size_t *count) {
  if (**next == '\0') return false;
  const char *end = strchrnul(*next, '\n');
  const char *start = *next;
  *count = 0;
  while (*count < MAX_FIELDS) {
    const char *colon = memchr(start, ':', (size_t)(end - start));
    const char *stop = colon == NULL || *count == MAX_FIELDS - 1 ? end : colon;
    fields[(*count)++] = (struct field){start, (size_t)(stop - start)};
    if (stop == end) break;
    start = stop + 1;
  }
  *next = *end == '\0' ? end : end + 1;
  return true;
}

static bool equals(struct field field, const char *text) {
  return field.length == strlen(text) && memcmp(field.text, text, field.length) == 0;
}

static bool number(struct field field, uint32_t *value) {
  if (field.length == 0 || field.length > 10) return false;
  uint64_t sum = 0;
  for (size_t i = 0; i < field.length; i++) {
    if (field.text[i] < '0' || field.text[i] > '9') return false;
    sum = sum * 10 + (uint64_t)(field.text[i] - '0');
  }
  if (sum > MAX_ID) return false;
  *value = (uint32_t)sum;
  return true;
}

static void copy(char *target, struct field field) {
  // A text that does not fit is of no use cut short: a shell or home of another name.
  size_t length = field.length < ACCOUNT_TEXT_BYTES ? field.length : 0;
  memcpy(target, field.text, length);
  target[length] = '\0';
}

// Finds a user by name, or by number if `name` is one. passwd(5): name:pw:uid:gid:gecos:home:shell.
static bool find_user(struct account *account, struct field name, const char *passwd) {
  struct field fields[MAX_FIELDS];
  size_t count;
  uint32_t wanted, uid, gid;
  bool numeric = number(name, &wanted);
  while (next_line(&passwd, fields, &count)) {
    if (count < 4 || !number(fields[2], &uid) || !number(fields[3], &gid)) continue;
    bool match = numeric ? uid == wanted
                         : fields[0].length == name.length &&
                               memcmp(fields[0].text, name.text, name.length) == 0;
    if (!match) continue;
    account->uid = uid;
    account->gid = gid;
    copy(account->name, fields[0]);
    if (count > 5 && fields[5].length > 0) copy(account->home, fields[5]);
    if (count > 6) copy(account->shell, fields[6]);
    return true;
  }
  if (numeric) account->uid = wanted;
  return numeric;
}

static bool lists_member(struct field members, const char *name) {
  size_t length = strlen(name);
  const char *at = members.text, *end = members.text + members.length;
  while (length > 0 && at < end) {
    const char *comma = memchr(at, ',', (size_t)(end - at));
    const char *stop = comma == NULL ? end : comma;
    if ((size_t)(stop - at) == length && memcmp(at, name, length) == 0) return true;
    at = stop + 1;
  }
  return false;
}

// group(5): name:pw:gid:members.
static void add_memberships(struct account *account, const char *group) {
  struct field fields[MAX_FIELDS];
  size_t count;
  uint32_t gid;
  while (account->group_count < ACCOUNT_MAX_GROUPS && next_line(&group, fields, &count)) {
    if (count < 4 || !number(fields[2], &gid) || !lists_member(fields[3], account->name)) continue;
    account->groups[account->group_count++] = gid;
  }
}

static bool find_group(struct account *account, const char *name, const char *group) {
  struct field fields[MAX_FIELDS];
  size_t count;
  uint32_t wanted, gid;
  bool numeric = number((struct field){name, strlen(name)}, &wanted);
  while (!numeric && next_line(&group, fields, &count)) {
    if (count < 3 || !equals(fields[0], name) || !number(fields[2], &gid)) continue;
    account->gid = gid;
    return true;
  }
  if (numeric) account->gid = wanted;
  return numeric;
}

enum account_result account_resolve(struct account *account, const char *spec, const char *passwd,
                                    const char *group) {
  memset(account, 0, sizeof *account);
  strcpy(account->home, "/");
  const char *colon = strchrnul(spec, ':');
  struct field user = {spec, (size_t)(colon - spec)};
  if (user.length == 0) user = (struct field){"0", 1};
  if (!find_user(account, user, passwd)) return ACCOUNT_NO_USER;
  if (colon[0] == ':' && colon[1] != '\0')
    return find_group(account, colon + 1, group) ? ACCOUNT_FOUND : ACCOUNT_NO_GROUP;
  add_memberships(account, group);
  return ACCOUNT_FOUND;
}

void account_root(struct account *account, const char *passwd) {
  account_resolve(account, "0", passwd, "");
  if (account->name[0] != '\0') return;
  strcpy(account->name, "root");
  strcpy(account->home, "/root");
}
