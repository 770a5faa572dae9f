// SPDX-License-Identifier: Apache-2.0
// The parts of undici that are loaded one by one; the package has types of the whole only.
declare module 'undici/lib/core/util.js'
declare module 'undici/lib/dispatcher/client.js'
declare module 'undici/lib/dispatcher/agent.js' {
  export { Agent as default } from 'undici'
}
declare module 'undici/lib/dispatcher/pool.js' {
  export { Pool as default } from 'undici'
}
declare module 'undici/lib/dispatcher/proxy-agent.js' {
  export { ProxyAgent as default } from 'undici'
}
declare module 'undici/lib/api/api-connect.js' {
  import type { Dispatcher } from 'undici'

  const connect: Dispatcher['connect']
  export default connect
}
