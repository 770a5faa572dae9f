// SPDX-License-Identifier: Apache-2.0
// Values kept in localStorage. What is read back is checked: an older version, another program or
// the user may have written it.
import type { z } from 'zod'

export interface TextStore {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
}

/** The stored value, or what the schema makes of `{}`, if none is there or it does not fit. */
export function readStored<S extends z.ZodType>(
  store: TextStore,
  key: string,
  schema: S,
): z.output<S> {
  try {
    const parsed = schema.safeParse(JSON.parse(store.getItem(key) ?? '{}'))
    if (parsed.success) return parsed.data
  } catch {
    // Not JSON: the same as nothing.
  }
  return schema.parse({})
}

/** Keeps a value; a full or forbidden store loses it silently, the window still works. */
export function writeStored(store: TextStore, key: string, value: unknown): void {
  try {
    store.setItem(key, JSON.stringify(value))
  } catch {
    // Nothing the user could do about it now.
  }
}
