// SPDX-License-Identifier: Apache-2.0
import type { ComponentProps, ReactNode } from 'react'
import { Tooltip } from 'radix-ui'

type ButtonProps = ComponentProps<'button'> & {
  readonly variant?: 'primary' | 'secondary' | 'quiet' | 'danger'
  readonly shortcut?: string
}

/** The one button. `shortcut` is drawn after the label and kept out of the accessible name. */
export function Button({
  variant = 'secondary',
  shortcut,
  children,
  ...rest
}: ButtonProps): ReactNode {
  return (
    <button type="button" {...rest} className={`button ${variant} ${rest.className ?? ''}`}>
      {children}
      {shortcut !== undefined && (
        <kbd className="button-key" aria-hidden>
          {shortcut}
        </kbd>
      )}
    </button>
  )
}

type IconButtonProps = ComponentProps<'button'> & { readonly label: string }

/** A button that is only a sign: the label is its name and its tooltip. */
export function IconButton({ label, children, ...rest }: IconButtonProps): ReactNode {
  return (
    <Hint text={label}>
      <button
        type="button"
        aria-label={label}
        {...rest}
        className={`icon-button ${rest.className ?? ''}`}
      >
        {children}
      </button>
    </Hint>
  )
}

/** A tooltip on hover and focus. */
function Hint(props: { readonly text: string; readonly children: ReactNode }): ReactNode {
  return (
    <Tooltip.Root>
      <Tooltip.Trigger asChild>{props.children}</Tooltip.Trigger>
      <Tooltip.Portal>
        <Tooltip.Content className="tooltip" sideOffset={6} collisionPadding={8}>
          {props.text}
        </Tooltip.Content>
      </Tooltip.Portal>
    </Tooltip.Root>
  )
}
