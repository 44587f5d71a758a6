import type { IncomingMessage } from 'node:http'
import type { LegacyCopy } from '../../ports/strangler.ts'
import { copying } from './copying.ts'
import { endGently } from './end-gently.ts'
import type { Exchange } from './exchange.ts'
import { pump } from './pump.ts'
import type { RawHeaders } from './raw-headers.ts'
import type { Client } from './refusals.ts'

type Options = {
  client: Client
  exchange: Exchange
  answer: IncomingMessage
  headers: RawHeaders
  silenceMs: number
  copyUpToBytes: number
  isWaiting: () => boolean
}

/**
 * Passes an answer on to the client. Resolves, with the copy if one is wanted, when the client has all of it, or cannot
 * get it any more: never with one that looks whole and is not.
 */
export function answering(options: Options): Promise<LegacyCopy | null> {
  const { client, exchange, answer, headers, silenceMs, copyUpToBytes, isWaiting } = options
  const { request, response } = client
  const { clock } = exchange
  const copy = copying(answer, copyUpToBytes)
  return new Promise((resolve) => {
    const over = (whole: LegacyCopy | null) => {
      exchange.cancel()
      resolve(whole)
    }
    /** The end of the connection is all that can be said now. */
    const broken = () => {
      response.destroy()
      over(null)
    }
    clock.silence(silenceMs, broken)
    response.writeHead(answer.statusCode ?? 0, answer.statusMessage ?? '', headers)
    // With the first part of the body it is one packet; without one it must not wait.
    setImmediate(() => {
      if (!response.destroyed && !response.writableEnded) response.flushHeaders()
    })
    pump({
      from: answer,
      to: response,
      moved: (bytes) => {
        clock.moved()
        if (bytes !== null) copy.add(bytes)
      },
      ended: () => {
        if (!exchange.isSent()) exchange.stopSending()
        response.once('finish', () => over(copy.whole()))
        if (exchange.isSent()) response.end()
        else endGently(request, response, isWaiting())
      },
    })
    answer.on('error', broken)
    answer.on('close', () => void (answer.readableEnded || broken()))
    response.on('error', broken)
    response.on('close', () => void (response.writableFinished || broken()))
  })
}
