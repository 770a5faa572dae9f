// SPDX-License-Identifier: Apache-2.0

/** A place in the machine to propose for a folder of the host: /mnt/NAME, numbered if that is taken. */
export function proposedGuestPath(hostPath: string, taken: readonly string[]): string {
  const name = hostPath.split('/').findLast((part) => part !== '') ?? 'host'
  for (let number = 1; ; number += 1) {
    const path = number === 1 ? `/mnt/${name}` : `/mnt/${name}-${number}`
    if (!taken.includes(path)) return path
  }
}
