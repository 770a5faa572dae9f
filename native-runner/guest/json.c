// SPDX-License-Identifier: Apache-2.0
#include "json.h"

#include <stdio.h>
#include <string.h>

// Kept free for what must still come: closing quote, brace, newline.
#define RESERVED 3

// None, too, once a closing quote has taken its place in the reserve.
static size_t room(const struct json_line *line) {
  size_t usable = sizeof line->text - RESERVED;
  return line->length < usable ? usable - line->length : 0;
}

static bool put(struct json_line *line, const char *bytes, size_t count) {
  if (count > room(line)) return false;
  memcpy(line->text + line->length, bytes, count);
  line->length += count;
  return true;
}

// Keys, event names and numbers are ours and short; they always fit after the first bytes of a
// line, and a number that would not fit is left out whole rather than cut.
static void put_member(struct json_line *line, const char *key, const char *value) {
  char member[128];
  int count = snprintf(member, sizeof member, ",\"%s\":%s", key, value);
  if (count > 0 && (size_t)count < sizeof member) put(line, member, (size_t)count);
}

void json_begin(struct json_line *line, const char *event, uint64_t uptime_us) {
  line->length = 0;
  char head[128];
  int count = snprintf(head, sizeof head, "{\"event\":\"%.48s\",\"uptime\":%llu.%03llu", event,
                       (unsigned long long)(uptime_us / 1000),
                       (unsigned long long)(uptime_us % 1000));
  if (count > 0) put(line, head, (size_t)count);
}

void json_int(struct json_line *line, const char *key, int64_t value) {
  char number[32];
  snprintf(number, sizeof number, "%lld", (long long)value);
  put_member(line, key, number);
}

void json_tenths(struct json_line *line, const char *key, uint64_t tenths) {
  char number[32];
  snprintf(number, sizeof number, "%llu.%llu", (unsigned long long)(tenths / 10),
           (unsigned long long)(tenths % 10));
  put_member(line, key, number);
}

// Length of the well-formed UTF-8 sequence (RFC 3629) at `text`, 0 if there is none. The NUL at
// the end of the string is no continuation byte, so this never reads past it.
static size_t utf8_length(const unsigned char *text) {
  unsigned char first = text[0];
  if (first < 0x80) return 1;
  size_t length;
  unsigned char low = 0x80, high = 0xbf;
  if (first >= 0xc2 && first <= 0xdf) length = 2;
  else if (first >= 0xe0 && first <= 0xef) length = 3;
  else if (first >= 0xf0 && first <= 0xf4) length = 4;
  else return 0;
  if (first == 0xe0) low = 0xa0;   // overlong
  if (first == 0xed) high = 0x9f;  // surrogates
  if (first == 0xf0) low = 0x90;   // overlong
  if (first == 0xf4) high = 0x8f;  // above U+10FFFF
  for (size_t i = 1; i < length; i++) {
    if (text[i] < low || text[i] > high) return 0;
    low = 0x80;
    high = 0xbf;
  }
  return length;
}

static bool put_character(struct json_line *line, const unsigned char *text, size_t length) {
  if (length == 0) return put(line, "\xef\xbf\xbd", 3);
  if (length > 1) return put(line, (const char *)text, length);
  char escape[8];
  switch (text[0]) {
    case '"': return put(line, "\\\"", 2);
    case '\\': return put(line, "\\\\", 2);
    case '\n': return put(line, "\\n", 2);
    case '\t': return put(line, "\\t", 2);
    default: break;
  }
  if (text[0] >= 0x20 && text[0] != 0x7f) return put(line, (const char *)text, 1);
  snprintf(escape, sizeof escape, "\\u%04x", text[0]);
  return put(line, escape, 6);
}

void json_text(struct json_line *line, const char *key, const char *value) {
  char head[64];
  int count = snprintf(head, sizeof head, ",\"%s\":\"", key);
  // One byte of RESERVED is this string's closing quote; a member that cannot even open is left out.
  if (count < 0 || (size_t)count >= sizeof head || !put(line, head, (size_t)count)) return;
  const unsigned char *next = (const unsigned char *)value;
  while (*next != '\0') {
    size_t length = utf8_length(next);
    if (!put_character(line, next, length)) break;
    next += length == 0 ? 1 : length;
  }
  line->text[line->length++] = '"';
}

void json_end(struct json_line *line) {
  line->text[line->length++] = '}';
  line->text[line->length++] = '\n';
}
