// SPDX-License-Identifier: Apache-2.0

/** For `catch`: what is not there gives undefined, any other error goes on. */
export function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
