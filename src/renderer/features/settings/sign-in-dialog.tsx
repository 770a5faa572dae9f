// SPDX-License-Identifier: Apache-2.0
// Signing in to a registry. A password lives in its field until the registry has answered, and nowhere
// else in the window.
import { useEffect, useRef, useState, type ReactNode, type SubmitEvent } from 'react'
import { MicrovmError } from '../../../contract/errors'
import { call } from '../../api/client'
import { callUntil } from '../../api/operations'
import { Button } from '../../ui/button'
import { Dialog } from '../../ui/dialog'
import { ErrorPanel } from '../../ui/feedback'
import { toastInfo } from '../../ui/toast-store'
import { loadLogins } from './login-store'
import { useSignIn, type SignInQuestion } from './sign-in-store'

const HUB = 'docker.io'

export function SignInDialog(): ReactNode {
  const question = useSignIn((state) => state.question)
  if (question === undefined) return null
  const { registry } = question
  return (
    <Dialog
      title={registry === undefined ? 'Sign in to a registry' : `Sign in to ${registry}`}
      className="small-dialog"
      onClose={close}
    >
      <SignInForm question={question} />
    </Dialog>
  )
}

const close = (): void => useSignIn.setState({ question: undefined })

function SignInForm({ question }: { readonly question: SignInQuestion }): ReactNode {
  const { isAsking, error, signIn } = useAttempt(question)
  const password = useRef<HTMLInputElement>(null)
  useEffect(() => {
    // Most often it was mistyped.
    if (error !== undefined) password.current?.select()
  }, [error])
  const submit = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const field = (name: string): string => {
      const value = form.get(name)
      return typeof value === 'string' ? value : ''
    }
    void signIn({
      registry: field('registry').trim(),
      username: field('username').trim(),
      password: field('password'),
    })
  }
  const isKnown = question.registry !== undefined
  return (
    <form className="dialog-form" onSubmit={submit}>
      <label className="form-field">
        Registry
        <input
          {...usual}
          name="registry"
          defaultValue={question.registry ?? HUB}
          readOnly={isKnown}
          maxLength={255}
        />
      </label>
      <label className="form-field">
        User name
        <input {...usual} name="username" autoFocus maxLength={255} />
      </label>
      <label className="form-field">
        Password or access token
        <input {...usual} ref={password} type="password" name="password" maxLength={16_384} />
      </label>
      {error !== undefined && <ErrorPanel title="Not signed in" error={asToldHere(error)} />}
      <div className="form-actions">
        <Button onClick={close}>Cancel</Button>
        <Button variant="primary" type="submit" disabled={isAsking}>
          {isAsking ? 'Signing in…' : 'Sign in'}
        </Button>
      </div>
    </form>
  )
}

/** The usual advice is to sign in, which is what is being done. */
function asToldHere(error: unknown): unknown {
  const known = MicrovmError.from(error)
  if (known.code !== 'REGISTRY_DENIED') return error
  return new MicrovmError(known.code, known.message, {
    hint: 'Check both. Many registries want an access token in place of the password.',
  })
}

const usual = { type: 'text', required: true, autoComplete: 'off', spellCheck: false } as const

interface Login {
  readonly registry: string
  readonly username: string
  readonly password: string
}

/** One try after the other; a dialog that is closed ends the one under way. */
function useAttempt({ after }: SignInQuestion) {
  const [isAsking, setAsking] = useState(false)
  const [error, setError] = useState<unknown>()
  const closing = useRef<AbortController>(undefined)
  useEffect(() => {
    const controller = new AbortController()
    closing.current = controller
    return () => controller.abort()
  }, [])
  const signIn = async (login: Login): Promise<void> => {
    const signal = closing.current?.signal ?? AbortSignal.abort()
    setAsking(true)
    setError(undefined)
    try {
      const { registry, username } = await callUntil(signal, (operationId) =>
        call('registries.login', { ...login, operationId }),
      )
      void loadLogins()
      toastInfo(`Signed in to ${registry} as ${username}`)
      if (signal.aborted) return
      close()
      after?.()
    } catch (failure) {
      if (signal.aborted) return
      setError(failure)
      setAsking(false)
    }
  }
  return { isAsking, error, signIn }
}
