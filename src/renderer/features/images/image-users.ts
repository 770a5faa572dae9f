// SPDX-License-Identifier: Apache-2.0
// Which machines need an image: those that were made from it, and those that name it and have not been started yet.
import { useShallow } from 'zustand/react/shallow'
import type { ImageView } from '../../../contract/images'
import type { VmView } from '../../../contract/ipc'
import { useVms } from '../vms/vm-store'

type Named = Pick<ImageView, 'digest' | 'reference'>

/** By name. Pure. */
export function usersOf(
  { digest, reference }: Named,
  vms: Readonly<Record<string, VmView>>,
): VmView[] {
  return Object.values(vms)
    .filter(({ imageDigest, spec }) =>
      imageDigest === undefined ? spec.image === reference : imageDigest === digest,
    )
    .toSorted((a, b) => a.spec.name.localeCompare(b.spec.name))
}

export interface ImageUser {
  readonly id: string
  readonly name: string
}

/** Redraws when they are others, not when one of them does something. */
export function useImageUsers(image: Named): ImageUser[] {
  const users = useVms(
    useShallow(({ byId }) => usersOf(image, byId).map(({ id, spec }) => `${id} ${spec.name}`)),
  )
  return users.map((user) => {
    const [id = '', name = ''] = user.split(' ')
    return { id, name }
  })
}
