// SPDX-License-Identifier: Apache-2.0
/** "sha256:" and 64 lower-case hex digits (image-spec, descriptor.md). */
export const SHA256_DIGEST = /^sha256:[0-9a-f]{64}$/
