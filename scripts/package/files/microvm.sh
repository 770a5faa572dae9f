#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The `microvm` command of a packaged app: resources/bin/microvm. Runs the app's own Electron as Node. Works through
# symbolic links to it, from any folder.
set -eu
resources=$(dirname "$(dirname "$(readlink -f "$0")")")
app=$(dirname "$resources")
case $(uname) in
Darwin)
  # The helper, not the app itself, which would show in the Dock.
  program="$app/Frameworks/MicroVM Desktop Helper.app/Contents/MacOS/MicroVM Desktop Helper"
  ;;
*) program=$app/microvm-desktop ;;
esac
ELECTRON_RUN_AS_NODE=1 exec "$program" "$resources/app.asar.unpacked/out/main/cli.js" "$@"
