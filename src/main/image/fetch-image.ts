// SPDX-License-Identifier: Apache-2.0
// Asks one fetcher after the other for an image, and says what came of it.
// - A place that does not have the image is passed over; one that fails is told of in the log and in
//   the progress, and the next one is asked.
// - If nobody gave it, the error is that of the last place that broke, else that of the last one that
//   had nothing for us: a name that the registry does not know matters less than why Docker, which
//   knows it, could not hand it over.
// - Whoever cancels, cancels all of it.
import { MicrovmError, type ErrorCode } from '../../contract/errors'
import type { Logger } from '../lib/logger'
import type { ImageFetcher, ImageRequest, StoreFetched } from './fetcher'
import { familiarReference } from './reference'

interface Failure {
  readonly name: string
  readonly error: MicrovmError
}

/** Of a place that has nothing for us, rather than of one that broke. */
const emptyHanded = new Set<ErrorCode>([
  'IMAGE_NOT_FOUND',
  'IMAGE_PLATFORM',
  'REGISTRY_DENIED',
  'REGISTRY_UNREACHABLE',
])

/**
 * @param fetchers in the order they are asked
 * @throws IMAGE_NOT_FOUND if all say that they do not have it; the fetchers' and the store's errors; CANCELLED
 */
export async function fetchImage(
  fetchers: readonly ImageFetcher[],
  request: ImageRequest,
  store: StoreFetched,
  logger: Logger,
): Promise<void> {
  const { onProgress, signal } = request
  const image = familiarReference(request.reference)
  const failures: Failure[] = []
  const absences: string[] = []
  for (const fetcher of fetchers) {
    const { name } = fetcher
    try {
      signal.throwIfAborted()
      const outcome = await fetcher.fetch(request, store)
      if (outcome.found) return
      logger.debug('a place does not have an image', { image, name, why: outcome.why })
      absences.push(`${name} ${outcome.why}`)
    } catch (thrown) {
      const error = MicrovmError.from(thrown)
      if (signal.aborted || error.code === 'CANCELLED')
        throw new MicrovmError('CANCELLED', 'cancelled', { cause: thrown })
      failures.push({ name, error })
      // Of the last one, the caller is told.
      if (fetcher === fetchers.at(-1)) break
      logger.warn('a place could not give an image', { image, name, error })
      onProgress({ stage: 'image', message: `${name}: ${error.message}. Trying elsewhere` })
    }
  }
  throw failures.length === 0 ? noneHasIt(image, absences) : combine(failures)
}

/**
 * A failed pull's error with a hint at who on this computer has an image of that name, if anybody does.
 * Nothing of it is read.
 */
export async function hintAtLocal(
  error: MicrovmError,
  fetchers: readonly ImageFetcher[],
  request: ImageRequest,
): Promise<MicrovmError> {
  if (!emptyHanded.has(error.code)) return error
  for (const fetcher of fetchers.filter(({ place }) => place === 'local')) {
    let has: string | undefined
    const look: StoreFetched = async ({ from = fetcher.name }) => void (has = from)
    await fetcher.fetch(request, look).catch(() => undefined)
    if (has === undefined) continue
    const name = familiarReference(request.reference)
    const hint = `${has} on this computer has an image of that name: microvm pull --local ${name}`
    return new MicrovmError(error.code, error.message, { hint, cause: error })
  }
  return error
}

function noneHasIt(image: string, absences: readonly string[]): MicrovmError {
  const places = absences.length === 0 ? 'there is no place to ask' : absences.join('; ')
  return new MicrovmError('IMAGE_NOT_FOUND', `${image} is not to be had: ${places}`, {
    hint: 'Check the name, and whether what has the image runs.',
  })
}

function combine(failures: readonly Failure[]): MicrovmError {
  const broken = failures.filter(({ error }) => !emptyHanded.has(error.code))
  const { error, name } = (broken.at(-1) ?? failures.at(-1))!
  // Settings that cannot be read, for one, fail all of them in the same words.
  const others = failures.filter((other) => other.error.message !== error.message)
  if (others.length === 0) return error
  const rest = others.map((other) => `${other.name}: ${other.error.message}`).join('; ')
  return new MicrovmError(error.code, `${name}: ${error.message} (${rest})`, {
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    cause: error,
  })
}
