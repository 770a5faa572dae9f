// SPDX-License-Identifier: Apache-2.0
// How connections are made: directly or through a proxy, and whose certificates are trusted. undici
// and the certificates are loaded late: most commands and most launches never speak to a registry.
import { readFile } from 'node:fs/promises'
import { BlockList, isIP } from 'node:net'
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls'
import type { Dispatcher } from 'undici'
import { MicrovmError } from '../../../contract/errors'

/** Can be sent to another thread. */
export interface NetworkSettings {
  /** Addresses of proxies for http and https. */
  readonly httpProxy?: string
  readonly httpsProxy?: string
  /** What goes past them: hosts with their subdomains, addresses, networks, each with a port or without; `*`. */
  readonly noProxy: readonly string[]
  /** Files of certificates in PEM, trusted beside those that Node brings. What is missing is left out. */
  readonly caFiles: readonly string[]
}

/** The bundle of Debian, Fedora, SUSE, Alpine and macOS. Go looks for them in these places, too. */
const systemCaFiles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
]

/** As curl, Go and Docker read the environment: small letters first. */
export function networkSettings(env: NodeJS.ProcessEnv): NetworkSettings {
  const read = (name: string): string | undefined => env[name.toLowerCase()] || env[name]
  const [httpProxy, httpsProxy] = [read('HTTP_PROXY'), read('HTTPS_PROXY')]
  const noProxy = (read('NO_PROXY') ?? '').split(/[,\s]+/).filter((entry) => entry !== '')
  const extra = env['NODE_EXTRA_CA_CERTS']
  return {
    ...(httpProxy === undefined ? {} : { httpProxy }),
    ...(httpsProxy === undefined ? {} : { httpsProxy }),
    noProxy,
    caFiles: [
      ...(env['SSL_CERT_FILE'] ? [env['SSL_CERT_FILE']] : systemCaFiles),
      ...(extra ? [extra] : []),
    ],
  }
}

/**
 * The proxy to use for a URL, if any. This computer is never asked for through one.
 * @throws INVALID_ARGUMENT for a proxy that is no http or https address
 */
export function proxyFor(url: URL, settings: NetworkSettings): URL | undefined {
  const text = url.protocol === 'https:' ? settings.httpsProxy : settings.httpProxy
  if (text === undefined || isLoopback(url.hostname) || goesDirectly(url, settings.noProxy))
    return undefined
  const full = text.includes('://') ? text : `http://${text}`
  const proxy = URL.canParse(full) ? new URL(full) : undefined
  if (proxy?.protocol === 'http:' || proxy?.protocol === 'https:') return proxy
  throw new MicrovmError('INVALID_ARGUMENT', 'the proxy set for registries is no http address', {
    hint: 'Check HTTPS_PROXY and HTTP_PROXY: http://proxy.example:3128',
  })
}

/** localhost and addresses that only ever mean this computer. */
export function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127(?:\.[0-9]{1,3}){3}$/.test(hostname)
  )
}

function goesDirectly(url: URL, noProxy: readonly string[]): boolean {
  const host = bare(url.hostname)
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  return noProxy.some((entry) => {
    if (entry === '*') return true
    const [, name = entry, onlyPort] = /^(\[[^\]]*\]|[^:]*):([0-9]+)$/.exec(entry) ?? []
    if (onlyPort !== undefined && onlyPort !== port) return false
    const plain = bare(name)
      .replace(/^\*?\./, '')
      .toLowerCase()
    if (plain.includes('/')) return isInNetwork(host, plain)
    return host === plain || (isIP(host) === 0 && host.endsWith(`.${plain}`))
  })
}

const bare = (host: string): string => host.replace(/^\[|\]$/g, '')

function isInNetwork(host: string, network: string): boolean {
  const [address = '', bits = ''] = network.split('/')
  const version = isIP(address)
  if (version === 0 || isIP(host) !== version || !/^[0-9]{1,3}$/.test(bits)) return false
  const family = version === 6 ? 'ipv6' : 'ipv4'
  if (Number(bits) > (version === 6 ? 128 : 32)) return false
  const list = new BlockList()
  list.addSubnet(address, Number(bits), family)
  return list.check(host, family)
}

/** Connections of one client, kept for reuse: direct ones, and those through each proxy. */
export class Connections {
  readonly #settings: NetworkSettings
  readonly #timeoutMs: number
  readonly #made = new Map<string, Promise<Dispatcher>>()
  #trust: Promise<SecureContext> | undefined

  /** @param timeoutMs for each of: a connection, the response's headers, the next bytes of its body */
  constructor(settings: NetworkSettings, timeoutMs: number) {
    this.#settings = settings
    this.#timeoutMs = timeoutMs
  }

  /** @throws as `proxyFor` */
  for(url: URL): Promise<Dispatcher> {
    const proxy = proxyFor(url, this.#settings)
    const needsTrust = url.protocol === 'https:' || proxy?.protocol === 'https:'
    const key = `${needsTrust} ${proxy?.href ?? ''}`
    const made = this.#made.get(key) ?? this.#make(needsTrust, proxy)
    this.#made.set(key, made)
    return made
  }

  close(): void {
    for (const made of this.#made.values())
      void made.then((dispatcher) => dispatcher.destroy()).catch(() => undefined)
  }

  async #make(needsTrust: boolean, proxy: URL | undefined): Promise<Dispatcher> {
    const timeout = this.#timeoutMs
    const connect = {
      timeout,
      ...(needsTrust && { secureContext: await this.#trusted() }),
    }
    // The body's time runs only while bytes are waited for: a slow reader is not the server's fault.
    const timeouts = { headersTimeout: timeout, bodyTimeout: timeout }
    if (proxy) return proxyAgent(proxy, timeouts, connect)
    // In steps, since the app's window must not wait for all of it at once.
    await import('undici/lib/core/util.js')
    await import('undici/lib/dispatcher/client.js')
    const { default: Agent } = await import('undici/lib/dispatcher/agent.js')
    return new Agent({ ...timeouts, connect })
  }

  /** One for all connections: hundreds of certificates take a while to read. */
  #trusted(): Promise<SecureContext> {
    return (this.#trust ??= readCertificates(this.#settings.caFiles).then((ca) =>
      createSecureContext({ ca }),
    ))
  }
}

/** Always a tunnel (RFC 9110, 9.3.6, CONNECT): what the registry is told is no business of the proxy. */
async function proxyAgent(
  proxy: URL,
  timeouts: { headersTimeout: number; bodyTimeout: number },
  connect: { timeout: number; secureContext?: SecureContext },
): Promise<Dispatcher> {
  const [{ default: ProxyAgent }, { default: Pool }, { default: connectCall }] = await Promise.all([
    import('undici/lib/dispatcher/proxy-agent.js'),
    import('undici/lib/dispatcher/pool.js'),
    import('undici/lib/api/api-connect.js'),
  ])
  const { username, password } = proxy
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return new ProxyAgent({
    ...timeouts,
    uri: `${proxy.protocol}//${proxy.host}`,
    ...(login !== ':' && { token: `Basic ${Buffer.from(login).toString('base64')}` }),
    proxyTunnel: true,
    proxyTls: connect,
    requestTls: connect,
    clientFactory: (origin, own) => {
      const pool = new Pool(origin, { ...own, ...timeouts })
      // The call by which tunnels are asked for; undici's main module adds it to every dispatcher.
      const ask = connectCall.bind(pool)
      const connectThrough = async (request: Dispatcher.ConnectOptions) =>
        ask(request).catch((error: Error) => {
          // Also keeps some of its errors from being tried again without end.
          const message = `the proxy ${proxy.host} cannot be reached: ${error.message}`
          throw new Error(message, { cause: error })
        })
      return Object.assign(pool, { connect: connectThrough })
    },
  })
}

/** Naming any replaces Node's own, and NODE_EXTRA_CA_CERTS, so that all of them are named. */
async function readCertificates(files: readonly string[]): Promise<string[]> {
  const read = files.map((path) => readFile(path, 'latin1').catch(() => ''))
  const found = (await Promise.all(read)).flatMap(
    (text) => text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [],
  )
  return [...new Set([...rootCertificates, ...found])]
}
