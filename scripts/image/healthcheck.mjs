// What the image's HEALTHCHECK runs, in the container and with its settings: does the process answer? Nothing of Redis or the
// database: to restart it would mend none of them. It ends with 0 or 1 within a bound of its own.

import { readFileSync, realpathSync } from 'node:fs'
import { get } from 'node:http'
import { fileURLToPath } from 'node:url'

/** Less than HEALTHCHECK's own limit, which would kill it without a word. */
const LIMIT_MS = 2_000
/** Listened on, but nowhere to connect to. */
const EVERY_ADDRESS = new Set(['0.0.0.0', '::'])

/**
 * Where to ask: the API's own health, or, of a worker, that of its metrics' port. Null: a worker without METRICS_PORT has nothing that could be asked;
 * that it runs is all that is known. `command`: the arguments that process 1 was started with.
 */
export function addressOf(command, env) {
  const host = env.HOST || '127.0.0.1'
  const at = (name, port, path) => ({ host: EVERY_ADDRESS.has(name) ? '127.0.0.1' : name, port: Number(port), path })
  if (!command.includes('work')) return at(host, env.PORT || 8080, '/health/live')
  return env.METRICS_PORT ? at(env.METRICS_HOST || host, env.METRICS_PORT, '/health/live') : null
}

/** Resolves with why it is not well, or undefined. */
export function ask({ host, port, path }, limitMs = LIMIT_MS) {
  return new Promise((resolve) => {
    const request = get({ host, port, path, agent: false }, (response) => {
      response.resume()
      response.on('error', ({ message }) => resolve(message))
      response.on('end', () => resolve(response.statusCode === 200 ? undefined : `status ${response.statusCode}`))
    })
    request.on('error', ({ message }) => resolve(message))
    // Of the whole exchange: a socket's own time-out begins anew with each byte.
    const timer = setTimeout(() => request.destroy(new Error(`no answer within ${limitMs} ms`)), limitMs)
    request.on('close', () => clearTimeout(timer))
  })
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const command = readFileSync('/proc/1/cmdline', 'utf8').split('\0')
  const address = addressOf(command, process.env)
  const why = address && (await ask(address))
  if (why) process.stdout.write(`${address.path} of ${address.host}:${address.port}: ${why}\n`)
  process.exitCode = why ? 1 : 0
}
