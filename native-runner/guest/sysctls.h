// SPDX-License-Identifier: Apache-2.0
// Settings of the kernel that images rely on.
#pragma once

// What container engines and distributions set. A kernel that lacks one is no reason to complain.
void sysctls_set(void);
