// SPDX-License-Identifier: Apache-2.0
// Builds one JSON object as one line of bounded size: an event for the control port.
// Pure: no system call. What always holds: the text is valid JSON and valid UTF-8, whatever
// bytes went in, and never longer than JSON_LINE_BYTES with its newline.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// CONTROL_LINE_BYTES of src/contract/guest-protocol.ts.
#define JSON_LINE_BYTES 4096

struct json_line {
  char text[JSON_LINE_BYTES];
  size_t length;
};

// Starts `{"event":"NAME","uptime":MILLISECONDS`; `uptime_us` is microseconds since boot.
void json_begin(struct json_line *line, const char *event, uint64_t uptime_us);
void json_int(struct json_line *line, const char *key, int64_t value);
// A number with one decimal, given in tenths.
void json_tenths(struct json_line *line, const char *key, uint64_t tenths);
// A string of any bytes. Bytes that are not UTF-8 become U+FFFD; what does not fit is cut off.
void json_text(struct json_line *line, const char *key, const char *value);
// Closes the object and adds the newline. No NUL follows.
void json_end(struct json_line *line);
