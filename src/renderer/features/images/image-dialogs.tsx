// SPDX-License-Identifier: Apache-2.0
// The questions about one image, opened from its row, its menu and its page alike.
import type { ReactNode } from 'react'
import { create } from 'zustand'
import type { ImageView } from '../../../contract/images'
import { DeleteImageDialog } from './delete-image-dialog'
import { PruneDialog } from './prune-dialog'
import { TagImageDialog } from './tag-image-dialog'

type Question =
  { readonly ask: 'delete' | 'tag'; readonly image: ImageView } | { readonly ask: 'prune' }

const useQuestion = create<{ readonly question: Question | undefined }>(() => ({
  question: undefined,
}))

export function askAboutImage(ask: 'delete' | 'tag', image: ImageView): void {
  useQuestion.setState({ question: { ask, image } })
}

export function askToPrune(): void {
  useQuestion.setState({ question: { ask: 'prune' } })
}

export function ImageDialogs(): ReactNode {
  const question = useQuestion((state) => state.question)
  const close = (): void => useQuestion.setState({ question: undefined })
  switch (question?.ask) {
    case 'delete':
      return <DeleteImageDialog image={question.image} onClose={close} />
    case 'tag':
      return <TagImageDialog image={question.image} onClose={close} />
    case 'prune':
      return <PruneDialog onClose={close} />
    case undefined:
      return null
  }
}
