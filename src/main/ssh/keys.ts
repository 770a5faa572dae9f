// SPDX-License-Identifier: Apache-2.0
// A machine's two SSH key pairs, both P-256, both made here: ours, which its sshd lets in, and its
// host key, which we pin. They stand in files that OpenSSH reads too, so that a user who forwards
// port 22 can use them with `ssh -i … -o UserKnownHostsFile=…`.
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MicrovmError } from '../../contract/errors'
import { writeFileAtomic } from '../lib/atomic-file'

export interface VmKeys {
  /** Ours; PEM (SEC 1). */
  readonly clientKey: string
  /** Ours, as a line of authorized_keys. */
  readonly authorizedKey: string
  /** The machine's; PEM (SEC 1). */
  readonly hostKey: string
  /** The machine's, as SSH sends it in a key exchange (RFC 5656, section 3.1). */
  readonly hostKeyBlob: Buffer
}

const KEY_TYPE = 'ecdsa-sha2-nistp256'
const CURVE = 'nistp256'

/** The keys in `dir`; made if they are missing or cannot be read. `knownHosts` is written with them. */
export async function ensureKeys(dir: string, knownHosts: string): Promise<VmKeys> {
  try {
    return await loadKeys(dir)
  } catch (error) {
    if (MicrovmError.from(error).code === 'PERMISSION_DENIED') throw error
    return await makeKeys(dir, knownHosts)
  }
}

/** @throws SSH_FAILED if there are none, or if they are damaged */
export async function loadKeys(dir: string): Promise<VmKeys> {
  try {
    const [clientKey, hostKey] = await Promise.all([
      readFile(join(dir, 'id_ecdsa'), 'utf8'),
      readFile(join(dir, 'host_ecdsa'), 'utf8'),
    ])
    return describeKeys(clientKey, hostKey)
  } catch (error) {
    const { code, message } = MicrovmError.from(error)
    throw new MicrovmError(
      code === 'PERMISSION_DENIED' ? code : 'SSH_FAILED',
      `read the keys in ${dir}: ${message}`,
      { hint: 'Start the machine again to make new keys.', cause: error },
    )
  }
}

async function makeKeys(dir: string, knownHosts: string): Promise<VmKeys> {
  const keys = describeKeys(newPrivateKey(), newPrivateKey())
  const hostKeyLine = publicKeyLine(keys.hostKeyBlob)
  await mkdir(dir, { recursive: true, mode: 0o700 })
  await Promise.all([
    writeFileAtomic(join(dir, 'id_ecdsa'), keys.clientKey),
    writeFileAtomic(join(dir, 'id_ecdsa.pub'), `${keys.authorizedKey}\n`, { mode: 0o644 }),
    writeFileAtomic(join(dir, 'host_ecdsa'), keys.hostKey),
    writeFileAtomic(join(dir, 'host_ecdsa.pub'), `${hostKeyLine}\n`, { mode: 0o644 }),
    writeFileAtomic(knownHosts, `* ${hostKeyLine}\n`),
  ])
  return keys
}

function newPrivateKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  // SEC 1, not PKCS #8: the form both OpenSSH and ssh2 read.
  return privateKey.export({ type: 'sec1', format: 'pem' }).toString()
}

function describeKeys(clientKey: string, hostKey: string): VmKeys {
  const clientBlob = publicKeyBlob(createPublicKey(createPrivateKey(clientKey)))
  return {
    clientKey,
    authorizedKey: `${publicKeyLine(clientBlob)} microvm-desktop`,
    hostKey,
    hostKeyBlob: publicKeyBlob(createPublicKey(createPrivateKey(hostKey))),
  }
}

const publicKeyLine = (blob: Buffer): string => `${KEY_TYPE} ${blob.toString('base64')}`

/** RFC 5656, section 3.1: string type, string curve, string uncompressed point. */
function publicKeyBlob(key: KeyObject): Buffer {
  const { crv, x, y } = key.export({ format: 'jwk' })
  if (crv !== 'P-256' || x === undefined || y === undefined) {
    throw new MicrovmError('SSH_FAILED', 'the key is not a P-256 key')
  }
  const point = Buffer.concat([
    Buffer.of(4),
    Buffer.from(x, 'base64url'),
    Buffer.from(y, 'base64url'),
  ])
  return Buffer.concat([Buffer.from(KEY_TYPE), Buffer.from(CURVE), point].map(sshString))
}

/** RFC 4251, section 5: length as uint32, then the bytes. */
function sshString(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}
