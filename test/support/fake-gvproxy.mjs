#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// Takes gvproxy's arguments, opens its two sockets, takes frames and forwards nowhere. Ends with its
// one link, as the real one does. A host port 1 is always in use.
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'

/** @param {string} option */
const socketOf = (option) => (process.argv[process.argv.indexOf(option) + 1] ?? '').slice(7)

const api = createHttpServer((request, response) => {
  let body = ''
  request.on('data', (part) => (body += part))
  request.on('end', () => {
    const taken = JSON.parse(body).local.endsWith(':1') && request.url?.endsWith('/expose')
    response.statusCode = taken ? 500 : 200
    response.end(taken ? 'listen tcp 127.0.0.1:1: bind: address already in use\n' : '')
  })
})
const link = createServer((socket) => {
  socket.resume()
  socket.on('close', () => process.exit(1))
})
api.listen(socketOf('-listen'), () => link.listen(socketOf('-listen-qemu')))
process.on('SIGTERM', () => process.exit(0))
