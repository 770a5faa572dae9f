// SPDX-License-Identifier: Apache-2.0
// Where programs are looked for.
#pragma once

// What container engines give an image that sets no PATH.
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Becomes the program `argv[0]` names: by PATH, or as it is if it has a slash. Returns only on failure,
// with the errno that says most: EACCES of one place outweighs ENOENT of another. ENOEXEC: no program.
int search_path_execute(char *const argv[], char *const env[], const char *path);
