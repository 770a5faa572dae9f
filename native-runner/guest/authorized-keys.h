// SPDX-License-Identifier: Apache-2.0
// Tells whether an authorized_keys text lets anyone in. Pure.
#pragma once

#include <stdbool.h>

// True if at least one line is a public key: a known type, followed by base64 of an SSH wire
// string that begins with the same type (RFC 4253, 6.6). Options before the type are not
// looked for: the host writes none.
bool authorized_keys_usable(const char *text);
