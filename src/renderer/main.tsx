// SPDX-License-Identifier: Apache-2.0
// The window's entry: starts the stores, draws the app. Decides nothing.
import { createRoot } from 'react-dom/client'
import { z } from 'zod'
import { App } from './app/app'
import { start } from './app/start'
import './ui/tokens.css'
import './ui/base.css'
import './ui/controls.css'
import './ui/feedback.css'
import './ui/overlays.css'
import './ui/table.css'
import './app/frame.css'

// The content security policy forbids code made from text, which zod would otherwise try.
z.config({ jitless: true })

const root = document.getElementById('root')
if (root === null) throw new Error('index.html has no #root')
start()
createRoot(root).render(<App />)
