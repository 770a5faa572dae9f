// SPDX-License-Identifier: Apache-2.0
import { useId, useState, type KeyboardEvent, type ReactNode } from 'react'
import { formatBytes } from '../../../ui/format'
import { toastError } from '../../../ui/toast-store'
import { importImage } from '../../images/image-actions'
import { useImages } from '../../images/image-store'
import { Field } from './field'
import { imageChoices, type ImageChoice } from './image-choices'
import type { DraftState } from './use-draft'

/** Type any reference or choose: images that are here first. */
export function ImageField({ state }: { readonly state: DraftState }): ReactNode {
  const box = useCombobox(state)
  const listId = useId()
  return (
    <Field label="Image" error={box.open ? undefined : state.errorOf('image')}>
      {(ids) => (
        <div className="combobox">
          <input
            {...ids}
            type="text"
            role="combobox"
            spellCheck={false}
            autoComplete="off"
            placeholder="debian:bookworm, ghcr.io/…"
            aria-expanded={box.open}
            data-list-open={box.open}
            aria-controls={listId}
            aria-autocomplete="list"
            aria-activedescendant={box.open ? `${listId}-${box.active}` : undefined}
            value={state.draft.image}
            onChange={(event) => box.type(event.target.value)}
            onClick={() => box.show()}
            onBlur={() => box.hide()}
            onFocus={(event) => event.target.select()}
            onKeyDown={box.onKey}
          />
          {box.open && (
            <ChoiceList
              id={listId}
              choices={box.choices}
              active={box.active}
              typed={box.query}
              choose={box.choose}
            />
          )}
        </div>
      )}
    </Field>
  )
}

interface Combobox {
  readonly open: boolean
  readonly choices: readonly ImageChoice[]
  readonly active: number
  readonly query: string
  readonly type: (text: string) => void
  readonly show: () => void
  readonly hide: () => void
  readonly choose: (choice: ImageChoice) => void
  readonly onKey: (event: KeyboardEvent) => void
}

function useCombobox({ edit }: DraftState): Combobox {
  const images = useImages((state) => state.list)
  const [open, setOpen] = useState(false)
  const [active, setActive] = useState(0)
  // Opened by arrow or click it offers everything; typing narrows it.
  const [query, setQuery] = useState('')
  const choices = imageChoices(query, images)
  const hide = (): void => setOpen(false)
  const show = (): void => {
    if (open) return
    setOpen(true)
    setQuery('')
    setActive(0)
  }
  const type = (text: string): void => {
    edit({ image: text })
    setOpen(true)
    setQuery(text)
    setActive(0)
  }
  const choose = (choice: ImageChoice): void => {
    hide()
    if (choice.kind !== 'import') edit({ image: choice.reference })
    else void chooseFile(choice.from, (image) => edit({ image }))
  }
  const onKey = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    const choice = choices[active]
    if (step !== undefined && !open) show()
    else if (step !== undefined) setActive((active + step + choices.length) % choices.length)
    else if (event.key === 'Enter' && open && choice !== undefined) choose(choice)
    else if (event.key === 'Escape' && open) hide()
    else return
    event.preventDefault()
    event.stopPropagation()
  }
  return { open, choices, active, query, type, show, hide, choose, onKey }
}

async function chooseFile(
  from: 'archive' | 'folder',
  accept: (image: string) => void,
): Promise<void> {
  try {
    const image = await importImage(from)
    if (image !== undefined) accept(image.reference)
  } catch (error) {
    toastError('The image was not imported', error)
  }
}

interface ChoiceListProps {
  readonly id: string
  readonly choices: readonly ImageChoice[]
  readonly active: number
  readonly typed: string
  readonly choose: (choice: ImageChoice) => void
}

function ChoiceList({ id, choices, active, typed, choose }: ChoiceListProps): ReactNode {
  return (
    <div className="choices" id={id} role="listbox" aria-label="Images">
      {choices.map((choice, index) => (
        <div
          key={choiceKey(choice)}
          id={`${id}-${index}`}
          role="option"
          aria-selected={index === active}
          className="choice"
          // Before the field loses the focus, which would close the list.
          onPointerDown={(event) => {
            event.preventDefault()
            choose(choice)
          }}
        >
          <span className="cut">
            {choice.kind === 'import' ? (
              choice.from === 'archive' ? (
                'Choose a file…'
              ) : (
                'Choose a folder…'
              )
            ) : (
              <Matched text={choice.reference} part={typed} />
            )}
          </span>
          <span className="choice-note">{choiceNote(choice)}</span>
        </div>
      ))}
    </div>
  )
}

function choiceKey(choice: ImageChoice): string {
  return `${choice.kind} ${choice.kind === 'import' ? choice.from : choice.reference}`
}

function choiceNote(choice: ImageChoice): string {
  if (choice.kind === 'cached') return `on this computer · ${formatBytes(choice.size)}`
  if (choice.kind === 'pull') return 'will be pulled'
  return choice.from === 'archive' ? '.tar' : 'OCI layout'
}

function Matched({ text, part }: { readonly text: string; readonly part: string }): ReactNode {
  const wanted = part.trim().toLowerCase()
  const at = wanted === '' ? -1 : text.toLowerCase().indexOf(wanted)
  if (at < 0) return text
  const end = at + wanted.length
  return (
    <>
      {text.slice(0, at)}
      <b>{text.slice(at, end)}</b>
      {text.slice(end)}
    </>
  )
}
