// SPDX-License-Identifier: Apache-2.0
// Lists of strings as the config drive and the kernel keep them: each ended by a NUL. Also the
// environment, which is such a list of NAME=value. Pure but for malloc.
#pragma once

#include <stdbool.h>
#include <stddef.h>

// `items` ends with NULL, as execve wants it. Items point into `storage` or are allocated.
struct words {
  char **items;
  size_t count;
  char *storage;
  size_t length;  // bytes of `storage`
};

// Takes over `data` (malloc'ed, `length` bytes). False if the last word lacks its NUL, there are
// more than `max` words, or memory is out; then `data` is freed.
bool words_parse(struct words *words, char *data, size_t length, size_t max);

// Value of NAME in a NULL-ended list of NAME=value; NULL if it is not there.
const char *env_get(char *const *env, const char *name);

// Sets NAME, in place if it is there, else at the end. False: out of memory.
bool env_set(struct words *env, const char *name, const char *value);
