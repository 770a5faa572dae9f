// SPDX-License-Identifier: Apache-2.0
// Images that Docker or Podman on this computer have, among them those that were built there and are
// in no registry. Nothing is started, changed or removed in the daemon.
// - A daemon says which image a name means, by its ID; what comes must have that ID. So it is asked for
//   nothing but Unix sockets of root's or the user's own (safe-socket.ts).
// - Layers come uncompressed and without the manifest that the registry has: the image gets one of its
//   own, as an imported archive does, and so another digest than the registry's. With a digest in the
//   reference a daemon is of use only where it keeps that very manifest: Docker with containerd's store.
// - Names are taken exactly: "debian" is docker.io/library/debian, never localhost/debian.
import type { FetchOutcome, ImageFetcher, ImageRequest, StoreFetched } from '../fetcher'
import { platformName, platformRank } from '../platform'
import { canonicalReference, parseReference, type ImageReference } from '../reference'
import { DaemonApi, usualTimeouts, type DaemonImage, type DaemonTimeouts } from './daemon-api'
import { dockerSockets, podmanSockets, type SocketPlaces } from './daemon-sockets'
import { checkSocket } from './safe-socket'

export interface DaemonDeps extends SocketPlaces {
  /** What the user says: whether daemons shall be asked at all. */
  readonly enabled: () => Promise<boolean>
  /** Given by tests. */
  readonly timeouts?: DaemonTimeouts
}

/** Docker, then Podman. Their fetch throws as `DaemonApi`'s calls. */
export const daemonFetchers = (deps: DaemonDeps): ImageFetcher[] => [
  daemonFetcher('Docker', dockerSockets, deps),
  daemonFetcher('Podman', podmanSockets, deps),
]

function daemonFetcher(
  name: string,
  places: (where: SocketPlaces) => Promise<string[]> | string[],
  deps: DaemonDeps,
): ImageFetcher {
  return {
    name,
    place: 'local',
    async fetch(request, store) {
      if (!(await deps.enabled())) return notHere('is not asked, by the settings')
      const reasons: string[] = []
      for (const given of await places(deps)) {
        const socket = await checkSocket(given, deps.uid)
        if (socket.ok) {
          const outcome = await fetchFrom(socket.path, deps, request, store)
          if (outcome.found) return outcome
          reasons.push(outcome.why)
        } else if (socket.why !== undefined) reasons.push(`is not asked: ${socket.why}`)
      }
      return notHere(reasons.length === 0 ? 'is not here' : reasons.join(', '))
    },
  }
}

async function fetchFrom(
  socketPath: string,
  { timeouts = usualTimeouts }: DaemonDeps,
  request: ImageRequest,
  store: StoreFetched,
): Promise<FetchOutcome> {
  const api = new DaemonApi(socketPath, request.signal, timeouts)
  try {
    const from = await api.ping()
    if (from === undefined) return notHere('does not run, or may not be asked')
    const image = await api.inspect(canonicalReference(request.reference))
    if (image === undefined) return notHere('has no such image')
    const unfit = whyUnfit(image, request)
    if (unfit !== undefined) return notHere(unfit)
    const { bytes, id } = image
    // By its ID: the name may mean another one by now.
    await store({ kind: 'archive', archive: api.save(id), bytes, from, id })
    return { found: true }
  } finally {
    api.close()
  }
}

function whyUnfit(
  { id, names, platform: offered }: DaemonImage,
  { platform, reference }: ImageRequest,
): string | undefined {
  if (platformRank(platform, offered) === undefined) return `has it for ${platformName(offered)}`
  if (reference.digest !== undefined)
    return id === reference.digest ? undefined : 'does not keep it as it is in the registry'
  const isNamed = names.some((name) => isSame(name, reference))
  return isNamed ? undefined : 'has no image of exactly that name'
}

function isSame(name: string, reference: ImageReference): boolean {
  try {
    return canonicalReference(parseReference(name)) === canonicalReference(reference)
  } catch {
    return false
  }
}

const notHere = (why: string): FetchOutcome => ({ found: false, why })
