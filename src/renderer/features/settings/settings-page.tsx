// SPDX-License-Identifier: Apache-2.0
// What the user can set about this window, and what the app is and where it keeps things.
import type { ReactNode } from 'react'
import { useHost } from '../../app/host-store'
import { Fact, Facts } from '../../ui/facts'
import { CopyButton } from '../../ui/copy-button'
import { formatMibRoughly, formatPlural } from '../../ui/format'
import { Switch } from '../../ui/switch'
import { useColorScheme } from '../../ui/use-color-scheme'
import { fontSizes, setPreferences, usePreferences } from './preferences'
import { UpdateLine } from './update-line'
import { RegistriesSection } from './registries-section'
import './settings.css'

export function SettingsPage(): ReactNode {
  return (
    <main className="page" aria-label="Settings">
      <header className="page-header">
        <h1>Settings</h1>
      </header>
      <div className="settings">
        <TerminalSettings />
        <RegistriesSection />
        <AboutApp />
      </div>
    </main>
  )
}

function TerminalSettings(): ReactNode {
  const { askBeforePaste, screenReaderMode } = usePreferences()
  return (
    <section aria-labelledby="terminal-settings">
      <h2 id="terminal-settings">Terminal</h2>
      <FontSize />
      <Switch
        label="Ask before pasting several lines"
        note="Where the shell would run each line as it arrives."
        checked={askBeforePaste}
        onChange={(checked) => setPreferences({ askBeforePaste: checked })}
      />
      <Switch
        label="Screen reader mode"
        note="Terminals keep their text where screen readers find it. Slower with much output."
        checked={screenReaderMode}
        onChange={(checked) => setPreferences({ screenReaderMode: checked })}
      />
      <p className="fine">These apply now.</p>
    </section>
  )
}

function FontSize(): ReactNode {
  const size = usePreferences((state) => state.terminalFontSize)
  return (
    <label className="setting">
      <span className="setting-text">
        Font size
        <span className="fine">
          {fontSizes.min} to {fontSizes.max} pixels
        </span>
      </span>
      <input
        type="number"
        min={fontSizes.min}
        max={fontSizes.max}
        value={size}
        onChange={(event) => {
          const wanted = event.target.valueAsNumber
          if (wanted >= fontSizes.min && wanted <= fontSizes.max)
            setPreferences({ terminalFontSize: Math.round(wanted) })
        }}
      />
    </label>
  )
}

function AboutApp(): ReactNode {
  const info = useHost((state) => state.info)
  const scheme = useColorScheme()
  return (
    <section aria-labelledby="about-app">
      <h2 id="about-app">This app</h2>
      <Facts>
        <Fact name="Theme">{scheme === 'dark' ? 'Dark' : 'Light'}, as the system asks</Fact>
        <Fact name="Version">{info?.version ?? '…'}</Fact>
        <Fact name="Updates">
          <UpdateLine />
        </Fact>
        <Fact name="Platform">{info?.platform ?? '…'}</Fact>
        <Fact name="Data directory" mono>
          {info?.dataDir ?? '…'}
          {info !== undefined && <CopyButton text={info.dataDir} label="Copy the data directory" />}
        </Fact>
        <Fact name="Command line" mono>
          {info?.cli ?? '…'}
          {info !== undefined && <CopyButton text={info.cli} label="Copy the command" />}
        </Fact>
        {info !== undefined && (
          <Fact name="This computer">
            {formatPlural(info.host.cores, 'core')}, {formatMibRoughly(info.host.memoryMib)} memory,{' '}
            {formatMibRoughly(info.host.diskFreeMib)} disk free
          </Fact>
        )}
      </Facts>
    </section>
  )
}
