import { bytes, replyFrom, type StartProxy } from '../../test/strangler/conformance/proxies.ts'

// Another proxy, as the conformance tests set it up, in a process of its own.

export const OTHER_PROXIES = { forwarder: bytes, 'http-proxy': replyFrom } as const satisfies Record<string, StartProxy>
export type ProxyOrder = { proxy: keyof typeof OTHER_PROXIES; legacyUrl: string }

process.once('message', async ({ proxy, legacyUrl }: ProxyOrder) => {
  const { port } = await OTHER_PROXIES[proxy](legacyUrl)
  process.send?.({ port })
})
