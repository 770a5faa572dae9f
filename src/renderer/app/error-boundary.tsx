// SPDX-License-Identifier: Apache-2.0
import { Component, type ReactNode } from 'react'
import { Button } from '../ui/button'
import { ErrorPanel } from '../ui/feedback'

interface Props {
  readonly children: ReactNode
}
interface State {
  readonly error?: unknown
}

/** A page that cannot be drawn says so in its place; rail and terminals go on. */
export class ErrorBoundary extends Component<Props, State> {
  override state: State = {}

  static getDerivedStateFromError(error: unknown): State {
    return { error }
  }

  override render(): ReactNode {
    if (this.state.error === undefined) return this.props.children
    return (
      <main className="page">
        <ErrorPanel title="This page could not be drawn" error={this.state.error}>
          <Button onClick={() => this.setState({ error: undefined })}>Try again</Button>
        </ErrorPanel>
      </main>
    )
  }
}
