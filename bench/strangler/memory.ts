import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { get } from '../load/connection.ts'
import { POUR_PATH, SWALLOW_PATH } from './legacy-process.ts'
import type { Rig } from './rig.ts'

const PART = Buffer.alloc(65_536)
const LOOK_EVERY_MS = 10
/** The collector needs a moment. */
const AFTERWARDS_MS = 2_000
const LIMIT_MS = 120_000
const HEAD_END = '\r\n\r\n'

/** RSS of the service’s process. */
export type Passed = {
  what: 'download' | 'upload'
  bytes: number
  seconds: number
  beforeBytes: number
  peakBytes: number
  afterBytes: number
}

/** A download and an upload, one after the other, through a process that has done nothing else before. */
export async function measureMemory({ stage, serve }: Rig, bytes: number): Promise<Passed[]> {
  const { port, running } = await serve('serve-memory', {})
  const passed: Passed[] = []
  for (const [what, pass] of [
    ['download', download],
    ['upload', upload],
  ] as const) {
    stage.say(`${what} of ${bytes} bytes`)
    const beforeBytes = rssBytes(running.pid)
    const peak = highest(running.pid)
    const startedMs = performance.now()
    await pass(port, bytes, AbortSignal.timeout(LIMIT_MS)).finally(peak.stop)
    const seconds = (performance.now() - startedMs) / 1_000
    const peakBytes = peak.bytes()
    await delay(AFTERWARDS_MS)
    passed.push({ what, bytes, seconds, beforeBytes, peakBytes, afterBytes: rssBytes(running.pid) })
  }
  await running.stop()
  return passed
}

async function download(port: number, bytes: number, signal: AbortSignal): Promise<void> {
  const socket = await connected(port, signal)
  let head = ''
  let got = 0
  socket.on('data', (chunk: Buffer) => {
    got += chunk.length
    if (!head.includes(HEAD_END)) head += chunk.toString('latin1')
  })
  socket.write(get(`${POUR_PATH}?bytes=${bytes}`, { connection: 'close' }))
  await once(socket, 'end', { signal })
  const headBytes = head.indexOf(HEAD_END) + HEAD_END.length
  if (!head.startsWith('HTTP/1.1 200') || got - headBytes !== bytes)
    throw new Error(`${got - headBytes} of ${bytes} bytes came: ${head.slice(0, headBytes)}`)
}

async function upload(port: number, bytes: number, signal: AbortSignal): Promise<void> {
  const socket = await connected(port, signal)
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
  })
  const ended = once(socket, 'end', { signal })
  socket.write(
    `POST ${SWALLOW_PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\ncontent-length: ${bytes}\r\n\r\n`,
  )
  await Promise.race([pour(socket, bytes, signal), ended])
  await ended
  if (!text.startsWith('HTTP/1.1 200') || !text.endsWith(`${HEAD_END}${bytes}`)) throw new Error(`uploaded: ${text}`)
}

/** As fast as the other side takes it. */
async function pour(socket: Socket, bytes: number, signal: AbortSignal): Promise<void> {
  for (let left = bytes; left > 0; left -= PART.length) {
    const isTaken = socket.write(left < PART.length ? PART.subarray(0, left) : PART)
    if (!isTaken) await once(socket, 'drain', { signal })
  }
}

async function connected(port: number, signal: AbortSignal): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', signal })
  await once(socket, 'connect', { signal })
  return socket
}

function highest(pid: number) {
  let most = rssBytes(pid)
  const timer = setInterval(() => {
    most = Math.max(most, rssBytes(pid))
  }, LOOK_EVERY_MS)
  return { bytes: () => most, stop: () => clearInterval(timer) }
}

function rssBytes(pid: number): number {
  return rssOfStatus(readFileSync(`/proc/${pid}/status`, 'utf8'))
}

/** proc(5): of a process that has not ended. */
export function rssOfStatus(status: string): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]
  if (kib === undefined) throw new Error('a process that has ended has no memory')
  return Number(kib) * 1_024
}
