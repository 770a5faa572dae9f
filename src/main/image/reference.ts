// SPDX-License-Identifier: Apache-2.0
// Names of images, by Docker's grammar (distribution/reference, regexp.go and normalize.go):
//   [registry[:port]/]path[:tag][@digest], with docker.io and library/ filled in.
import { MicrovmError } from '../../contract/errors'
import { quote } from './digest'

export interface ImageReference {
  /** "docker.io", "localhost:5000", "[::1]:5000". */
  readonly registry: string
  /** Path in the registry: "library/debian". */
  readonly repository: string
  /** Absent only beside a digest. */
  readonly tag?: string
  /** Digest of an index or a manifest. */
  readonly digest?: string
}

const DEFAULT_REGISTRY = 'docker.io'
const LEGACY_DEFAULT_REGISTRY = 'index.docker.io'
const OFFICIAL = 'library/'
const DEFAULT_TAG = 'latest'
const MAX_REPOSITORY_LENGTH = 255

const domainLabel = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])'
const host = `(?:${domainLabel}(?:\\.${domainLabel})*|\\[[a-fA-F0-9:]+\\])`
const pathPart = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*'
const registryPattern = new RegExp(`^${host}(?::[0-9]+)?$`)
const repositoryPattern = new RegExp(`^${pathPart}(?:/${pathPart})*$`)
const tagPattern = /^\w[\w.-]{0,127}$/
/** Lengths as the algorithms have them; a digest of any other is refused (go-digest). */
const digestPattern = /^(?:sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})$/

/**
 * @param text what the user typed: "debian", "ghcr.io/acme/worker:1.4", "localhost:5000/a@sha256:…"
 * @throws REFERENCE_INVALID with a hint at what is wrong
 */
export function parseReference(text: string): ImageReference {
  if (text === '') throw invalid(text, 'it is empty')
  if (/^[a-f0-9]{64}$/.test(text))
    throw invalid(text, '64 hex digits are the id of an image, not its name')
  const [named, digest] = cut(text, text.indexOf('@'))
  if (digest !== undefined && !digestPattern.test(digest))
    throw invalid(text, 'what follows the @ is no digest such as sha256:… with 64 hex digits')
  const { registry, rest } = splitRegistry(named)
  // The registry is gone, so the first colon begins the tag.
  const [repository, tag] = cut(rest, rest.indexOf(':'))
  if (repository.toLowerCase() !== repository) throw invalid(text, 'the name must be in lower case')
  if (!registryPattern.test(registry)) throw invalid(text, `${quote(registry)} is no registry host`)
  if (!repositoryPattern.test(repository)) throw invalid(text, 'the name has characters it may not')
  if (repository.length > MAX_REPOSITORY_LENGTH)
    throw invalid(text, `the name is longer than ${MAX_REPOSITORY_LENGTH} characters`)
  if (tag !== undefined && !tagPattern.test(tag))
    throw invalid(text, 'a tag has at most 128 letters, digits, "_", "." and "-"')
  return {
    registry,
    repository,
    ...(tag === undefined ? (digest === undefined ? { tag: DEFAULT_TAG } : {}) : { tag }),
    ...(digest === undefined ? {} : { digest }),
  }
}

/** The full form, the same for all spellings of one name: "docker.io/library/debian:latest". */
export function canonicalReference(ref: ImageReference): string {
  return `${ref.registry}/${ref.repository}${suffix(ref)}`
}

/** The shortest form that means the same: "debian", "debian:bookworm", "ghcr.io/acme/worker". */
export function familiarReference(ref: ImageReference): string {
  const { tag, ...untagged } = ref
  return familiarName(ref) + suffix(tag === DEFAULT_TAG && !ref.digest ? untagged : ref)
}

function familiarName({ registry, repository }: ImageReference): string {
  const full = `${registry}/${repository}`
  if (registry !== DEFAULT_REGISTRY) return full
  const [first, second, third] = repository.split('/')
  if (first === 'library' && second !== undefined && third === undefined) return second
  // On its own it would read as a registry ("localhost/a"), or gain a library/.
  return second === undefined || looksLikeHost(first!) ? full : repository
}

const suffix = ({ tag, digest }: ImageReference): string =>
  (tag === undefined ? '' : `:${tag}`) + (digest === undefined ? '' : `@${digest}`)

function splitRegistry(name: string): { registry: string; rest: string } {
  const [first, rest] = cut(name, name.indexOf('/'))
  if (rest === undefined || !looksLikeHost(first))
    return { registry: DEFAULT_REGISTRY, rest: official(name) }
  if (first === LEGACY_DEFAULT_REGISTRY || first === DEFAULT_REGISTRY)
    return { registry: DEFAULT_REGISTRY, rest: official(rest) }
  return { registry: first, rest }
}

/** Docker's rule for the part before the first slash: a dot, a colon, upper case, or "localhost". */
const looksLikeHost = (first: string): boolean =>
  first === 'localhost' || /[.:]/.test(first) || first.toLowerCase() !== first

const official = (path: string): string => (path.includes('/') ? path : OFFICIAL + path)

function cut(text: string, at: number): [string, string | undefined] {
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}

function invalid(text: string, why: string): MicrovmError {
  return new MicrovmError('REFERENCE_INVALID', `${quote(text)} is not an image name: ${why}`, {
    hint: 'A name looks like debian, debian:bookworm, ghcr.io/acme/worker:1.4 or localhost:5000/worker.',
  })
}
