// SPDX-License-Identifier: Apache-2.0
// npm run setup: installs, fetches and builds what is missing to start, test and develop the app.
// Plain Node with no dependency: it runs before `npm ci`, and may be run at any time.
import { runSetUp } from './setup/entry.mjs'

await runSetUp({ purposes: ['cli', 'app', 'headless', 'tests'], stream: process.stdout })
