// SPDX-License-Identifier: Apache-2.0
// What registries hold beside images, by the media types that its makers give it, in words for people.
import { quote } from './digest'

/** By the first that matches. Types are registered with IANA or named by the project that makes them. */
const names: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/^application\/vnd\.cncf\.helm\./, 'a Helm chart'],
  [/^application\/vnd\.dev\.(?:cosign|sigstore)\./, 'a signature'],
  [/^application\/vnd\.cncf\.notary\./, 'a signature'],
  [/^application\/vnd\.in-toto/, 'an attestation of how an image was built'],
  [/^(?:text|application)\/spdx|cyclonedx|syft/, 'a list of an image’s parts (SBOM)'],
  [/^application\/(?:vnd\.)?wasm/, 'a WebAssembly module'],
  [/^application\/vnd\.docker\.plugin\./, 'a Docker plugin'],
  [/^application\/vnd\.docker\.ai\.|^application\/vnd\.cncf\.model\.|ollama/, 'an AI model'],
]

/** "a Helm chart ("application/vnd.cncf.helm.config.v1+json")" */
export function describeArtifact(mediaType: string): string {
  const name = names.find(([pattern]) => pattern.test(mediaType))?.[1]
  return `${name ?? 'something of the kind'} ${name ? `(${quote(mediaType)})` : quote(mediaType)}`
}
