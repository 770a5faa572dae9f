// SPDX-License-Identifier: Apache-2.0
import { useEffect, useMemo, useState } from 'react'
import { useShallow } from 'zustand/react/shallow'
import { call } from '../../../api/client'
import type { ImageView } from '../../../../contract/images'
import type { AppInfo } from '../../../../contract/ipc'
import { useHost } from '../../../app/host-store'
import { useImages } from '../../images/image-store'
import { isUp } from '../state-text'
import { useVms } from '../vm-store'
import { emptyDraft, judgeDraft, type Draft, type Judged } from './draft'
import { findImage, proposedImage } from './image-choices'

export interface DraftState {
  readonly draft: Draft
  readonly judged: Judged
  /** The chosen image, if it is here. */
  readonly image: ImageView | undefined
  readonly host: AppInfo['host'] | undefined
  readonly edit: (patch: Partial<Draft>) => void
  /** What is wrong with a field, once the user has touched it or asked to launch. */
  readonly errorOf: (field: string) => string | undefined
  readonly showErrors: () => void
}

/** The draft of one opening of the dialog, judged at every key. */
export function useDraft(givenImage: string | undefined): DraftState {
  const images = useImages((state) => state.list)
  const host = useHost((state) => state.info?.host)
  const names = useVms(useShallow((s) => Object.values(s.byId).map((vm) => vm.spec.name)))
  const ports = useVms(useShallow(takenPorts))
  const [draft, setDraft] = useState<Draft>(() => ({
    ...emptyDraft,
    image: givenImage ?? proposedImage(images),
  }))
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set())
  useSuggestedName(setDraft)
  const judged = useMemo(
    () => judgeDraft(draft, { host, takenNames: names, takenHostPorts: ports }),
    [draft, host, names, ports],
  )
  const edit = (patch: Partial<Draft>): void => {
    setDraft((before) => ({ ...before, ...patch }))
    setTouched((before) => new Set([...before, ...Object.keys(patch)]))
  }
  const errorOf = (field: string): string | undefined => {
    const [top = field] = field.split('.')
    return judged.ok || !touched.has(top) ? undefined : judged.errors[field]
  }
  const showErrors = (): void => setTouched(new Set(Object.keys(draft)))
  return { draft, judged, image: findImage(draft.image, images), host, edit, errorOf, showErrors }
}

function takenPorts(state: ReturnType<typeof useVms.getState>): number[] {
  return Object.values(state.byId)
    .filter((vm) => isUp(vm.state.status))
    .flatMap((vm) => vm.state.ports.map((port) => port.host))
}

/** Fills in a name made up by main, unless the user has been quicker. */
function useSuggestedName(setDraft: (change: (draft: Draft) => Draft) => void): void {
  useEffect(() => {
    let wanted = true
    call('vms.suggestName').then(
      (name) => wanted && setDraft((draft) => (draft.name === '' ? { ...draft, name } : draft)),
      () => undefined, // the field then stays empty, and says what it takes
    )
    return () => {
      wanted = false
    }
  }, [setDraft])
}
