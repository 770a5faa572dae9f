// SPDX-License-Identifier: Apache-2.0
#include "words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool words_parse(struct words *words, char *data, size_t length, size_t max) {
  size_t count = 0;
  for (size_t i = 0; i < length; i++) count += data[i] == '\0';
  bool complete = length == 0 || data[length - 1] == '\0';
  char **items = complete && count <= max ? calloc(count + 1, sizeof *items) : NULL;
  if (items == NULL) {
    free(data);
    return false;
  }
  char *next = data;
  for (size_t i = 0; i < count; i++) {
    items[i] = next;
    next += strlen(next) + 1;
  }
  *words = (struct words){.items = items, .count = count, .storage = data, .length = length};
  return true;
}

static bool names(const char *entry, const char *name, size_t length) {
  return strncmp(entry, name, length) == 0 && entry[length] == '=';
}

const char *env_get(char *const *env, const char *name) {
  size_t length = strlen(name);
  for (; *env != NULL; env++)
    if (names(*env, name, length)) return *env + length + 1;
  return NULL;
}

bool env_set(struct words *env, const char *name, const char *value) {
  size_t length = strlen(name);
  size_t size = length + strlen(value) + 2;
  char *entry = malloc(size);
  if (entry == NULL) return false;
  snprintf(entry, size, "%s=%s", name, value);
  for (size_t i = 0; i < env->count; i++) {
    if (!names(env->items[i], name, length)) continue;
    env->items[i] = entry;  // the old text is part of `storage` or small; a process sets few
    return true;
  }
  char **items = realloc(env->items, (env->count + 2) * sizeof *items);
  if (items == NULL) {
    free(entry);
    return false;
  }
  items[env->count++] = entry;
  items[env->count] = NULL;
  env->items = items;
  return true;
}
