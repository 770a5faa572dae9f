// SPDX-License-Identifier: Apache-2.0
export const exitCodes = {
  ok: 0,
  doctorFailed: 1,
  usage: 2,
  /** microvm itself failed; what `docker run` answers in that case. */
  failed: 125,
} as const
