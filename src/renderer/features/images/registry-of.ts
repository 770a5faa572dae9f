// SPDX-License-Identifier: Apache-2.0

/**
 * The registry that a reference leads to, by the rule of every tool for images: the part before the first slash, if
 * it looks like a host, else Docker Hub.
 */
export function registryOf(reference: string): string {
  const [first = '', ...rest] = reference.split('/')
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost')
  return isHost && first !== 'index.docker.io' ? first : 'docker.io'
}
