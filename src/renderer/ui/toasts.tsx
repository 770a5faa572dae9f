// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react'
import { Button, IconButton } from './button'
import { CloseIcon } from './icons'
import { dismissToast, useToasts, type Toast } from './toast-store'

/** The corner where short messages appear; read out by screen readers as they come. */
export function Toasts(): ReactNode {
  const shown = useToasts((state) => state.shown)
  return (
    <div className="toasts" role="region" aria-label="Messages" aria-live="polite">
      {shown.map((toast) => (
        <ToastCard key={toast.id} toast={toast} />
      ))}
    </div>
  )
}

function ToastCard({ toast }: { readonly toast: Toast }): ReactNode {
  return (
    <div className={`toast toast-${toast.tone}`} data-testid="toast">
      <div className="toast-text">
        <p className="toast-title">{toast.title}</p>
        {toast.message !== undefined && <p>{toast.message}</p>}
        {toast.hint !== undefined && <p className="toast-hint">{toast.hint}</p>}
      </div>
      {toast.action !== undefined && (
        <Button
          variant="quiet"
          onClick={() => {
            toast.action?.run()
            dismissToast(toast.id)
          }}
        >
          {toast.action.label}
        </Button>
      )}
      <IconButton label="Dismiss" onClick={() => dismissToast(toast.id)}>
        <CloseIcon />
      </IconButton>
    </div>
  )
}
