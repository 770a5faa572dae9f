// SPDX-License-Identifier: Apache-2.0
// A daemon on a Unix socket that has one image and serves it as Docker does, unless a test says
// otherwise.
import { createServer } from 'node:http'
import type { MadeImage } from './make-image'
import { tarOfFiles } from './make-image'
import type { Answer } from './scripted-registry'
import { sha256 } from './tar-bytes'

export interface ScriptedDaemon {
  readonly asked: string[]
  /** How some requests are answered, by the end of their path. */
  readonly answers: Partial<Record<'_ping' | 'json' | 'get', Answer>>
  close(): Promise<void>
}

/** As `docker save` wrote them before it wrote OCI layouts. */
export function dockerArchive(...images: readonly MadeImage[]): Buffer {
  const manifest = images.map(({ config, diffIds }) => ({
    Config: `${sha256(config).slice(7)}.json`,
    RepoTags: null,
    Layers: diffIds.map((diffId) => `${diffId.slice(7)}/layer.tar`),
  }))
  const files = new Map<string, Buffer>()
  for (const { config, diffIds, tars } of images) {
    for (const [index, tar] of tars.entries())
      files.set(`${diffIds[index]!.slice(7)}/layer.tar`, tar)
    files.set(`${sha256(config).slice(7)}.json`, config)
  }
  files.set('manifest.json', Buffer.from(JSON.stringify(manifest)))
  return tarOfFiles(files)
}

/** What `docker inspect` tells of it. */
export const inspected = (image: MadeImage, names: readonly string[]) => ({
  Id: sha256(image.config),
  RepoTags: names,
  Os: 'linux',
  Architecture: 'amd64',
  Size: 100_000,
})

/** @param names as this daemon spells them */
export async function startDaemon(
  socketPath: string,
  image: MadeImage,
  names: readonly string[],
  { isPodman = false } = {},
): Promise<ScriptedDaemon> {
  const asked: string[] = []
  const answers: ScriptedDaemon['answers'] = {}
  const id = sha256(image.config)
  const http = createServer((request, response) => {
    const { url = '' } = request
    asked.push(url)
    const [, kind = ''] = /(_ping|json|get)$/.exec(url) ?? []
    const scripted = answers[kind as keyof typeof answers]
    if (isPodman) response.setHeader('Libpod-Api-Version', '4.3.1')
    if (scripted) scripted(request, response)
    else if (url === '/_ping') response.end('OK')
    else if (url === `/images/${id}/get`) response.end(dockerArchive(image))
    else if (names.some((name) => url === `/images/docker.io/library/${name}/json`))
      response.end(JSON.stringify(inspected(image, names)))
    else response.writeHead(404).end('{"message":"No such image"}')
  })
  await new Promise<void>((resolve) => http.listen(socketPath, resolve))
  return {
    asked,
    answers,
    close: () =>
      new Promise((resolve) => {
        http.closeAllConnections()
        http.close(() => resolve())
      }),
  }
}
