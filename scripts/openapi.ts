import { buildApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import type { Json } from './event-asyncapi.ts'
import { jsonText } from './json-text.ts'

const ignore = () => undefined
const LOG = { debug: ignore, info: ignore, warn: ignore, error: ignore }

/** Whatever is taken from it, or called, is the same again: routes are described without anybody being asked. */
const ANYTHING: never = new Proxy(ignore, { get: () => ANYTHING, apply: () => ANYTHING }) as never

/** The document at /docs/json, of routes over nothing. */
export async function openApi(): Promise<Json> {
  const { http } = readConfig({})
  const strangler = { legacy: null, routes: [], modes: ANYTHING, shadow: ANYTHING, observer: ANYTHING }
  const app = await buildApp({
    ...{ commands: ANYTHING, queries: ANYTHING, health: ANYTHING, access: ANYTHING, hot: null },
    ...{ refusals: { refused: ignore } as never, counts: ANYTHING, http, log: LOG as never },
    strangler: { ...strangler, requestMs: 0, trustedProxies: [], showsOurs: () => false },
  })
  try {
    return JSON.parse(JSON.stringify(app.swagger()))
  } finally {
    await app.close()
  }
}

export async function openApiFile(): Promise<string> {
  return jsonText(await openApi())
}
