// SPDX-License-Identifier: Apache-2.0
#include "authorized-keys.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static const char *const types[] = {
    "ssh-ed25519",         "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521", "ssh-rsa",
};

static int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

// Decodes up to `capacity` bytes; stops at the first character that is no base64.
static size_t decode(const char *text, uint8_t *bytes, size_t capacity) {
  uint32_t bits = 0;
  int have = 0;
  size_t count = 0;
  for (; count < capacity; text++) {
    int value = base64_value(*text);
    if (value < 0) break;
    bits = bits << 6 | (uint32_t)value;
    have += 6;
    if (have < 8) continue;
    have -= 8;
    bytes[count++] = (uint8_t)(bits >> have);
  }
  return count;
}

static bool is_key(const char *line, const char *type) {
  size_t length = strlen(type);
  if (strncmp(line, type, length) != 0 || line[length] != ' ') return false;
  // 4 bytes of length, the type, 4 bytes of length of what follows, and something of it.
  uint8_t head[64];
  size_t wanted = 4 + length + 5;
  if (decode(line + length + 1, head, wanted) < wanted) return false;
  uint8_t prefix[4] = {0, 0, 0, (uint8_t)length};
  return memcmp(head, prefix, 4) == 0 && memcmp(head + 4, type, length) == 0;
}

bool authorized_keys_usable(const char *text) {
  while (*text != '\0') {
    while (*text == ' ' || *text == '\t') text++;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
      if (is_key(text, types[i])) return true;
    text = strchrnul(text, '\n');
    if (*text == '\n') text++;
  }
  return false;
}
