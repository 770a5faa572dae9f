// SPDX-License-Identifier: Apache-2.0
// The baseline of the launch benchmark: gvproxy and QEMU started by hand, with no supervisor, no relay, no
// state and no control port, and an SSH client that tries again every 10 ms until a command is answered.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import ssh2 from 'ssh2'

const RETRY_MS = 10

/**
 * @param {{ commandLine: string[], gvproxy: string, key: string }} machine
 * @returns {Promise<number>} milliseconds until `true` was answered
 */
export async function bareLaunch({ commandLine, gvproxy, key }) {
  const dir = await mkdtemp(join(tmpdir(), 'bare-'))
  const [net, api] = [join(dir, 'net.sock'), join(dir, 'api.sock')]
  const start = performance.now()
  const proxy = spawn(
    gvproxy,
    ['-listen', `unix://${api}`, '-listen-qemu', `unix://${net}`, '-ssh-port', '-1'],
    { stdio: 'ignore' },
  )
  while (!existsSync(net) || !existsSync(api)) await sleep(1)
  const [program, ...args] = onSockets(commandLine, net)
  const vmm = spawn(/** @type {string} */ (program), args, {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  try {
    await firstAnswer(api, key, vmm)
    return performance.now() - start
  } finally {
    for (const child of [vmm, proxy]) {
      const gone = child.exitCode === null ? once(child, 'exit') : undefined
      child.kill('SIGKILL')
      await gone
    }
    await rm(dir, { recursive: true, force: true })
  }
}

/**
 * The same machine with its channels on what a shell could give it.
 * @param {string[]} commandLine @param {string} net
 */
function onSockets(commandLine, net) {
  const netdev = `stream,id=network,server=off,addr.type=unix,addr.path=${net}`
  return commandLine.map((word) => {
    const channel = /^socket,id=(\w+),fd=\d+$/.exec(word)?.[1]
    if (channel !== undefined) return `null,id=${channel}`
    return word.startsWith('stream,id=network,') ? netdev : word
  })
}

/** @param {string} api @param {string} key @param {import('node:child_process').ChildProcess} vmm */
async function firstAnswer(api, key, vmm) {
  for (;;) {
    if (vmm.exitCode !== null) throw new Error(`the bare QEMU ended with ${vmm.exitCode}`)
    if (await tryTrue(api, key)) return
    await sleep(RETRY_MS)
  }
}

/** @param {string} api @param {string} privateKey @returns {Promise<boolean>} */
async function tryTrue(api, privateKey) {
  const sock = connect(api)
  sock.on('error', () => undefined)
  sock.write('POST /tunnel?ip=192.168.127.2&port=22 HTTP/1.1\r\nHost: gvproxy\r\n\r\n')
  const answer = await Promise.race([
    once(sock, 'readable').then(() => sock.read(2)),
    once(sock, 'close').then(() => null),
  ]).catch(() => null)
  if (answer?.toString() !== 'OK') return false
  return await new Promise((resolve) => {
    const client = new ssh2.Client()
    const end = (/** @type {boolean} */ answered) => {
      client.destroy()
      sock.destroy()
      resolve(answered)
    }
    client
      .on('error', () => end(false))
      .on('close', () => end(false))
      .on('ready', () => {
        client.exec('true', (error, channel) => {
          if (error) return end(false)
          channel.resume().on('exit', (code) => end(code === 0))
        })
      })
      .connect({ sock, username: 'root', privateKey })
  })
}
