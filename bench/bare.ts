import type { BareAnswer } from './bare-server.ts'
import { connectAsker, get } from './load/connection.ts'
import type { Learned } from './people.ts'
import { exchange, type Running } from './processes.ts'
import type { Stage } from './stage.ts'

/** Node writes these itself. */
const WRITTEN_BY_NODE = ['date', 'connection', 'keep-alive']

export type Bare = { port: number; running: Running; body: string }

/** A bare `node:http` server that answers the bytes and headers of one real answer, the middling one. */
export async function startBare({ processes, say }: Stage, answers: Learned[]): Promise<Bare> {
  say('starting the bare server')
  const sample = middling(answers)
  const running = processes.helper('bare', 'bare-server.ts', [])
  const { port } = await exchange<{ port: number }>(running, copyOf(sample))
  const asker = await connectAsker(port)
  const copied = await asker.ask(get(sample.path)).finally(asker.close)
  const [wanted, got] = [undated(sample.head), undated(copied.head)]
  if (wanted !== got || sample.body !== copied.body) throw new Error(`not the same answer:\n${wanted}\n\n${got}`)
  return { port, running, body: sample.body }
}

/** The answer of middling length. */
export function middling(answers: Learned[]): Learned {
  const sample = answers.toSorted((a, b) => a.body.length - b.body.length)[Math.floor(answers.length / 2)]
  if (!sample) throw new Error('no answer to copy')
  return sample
}

export function copyOf({ head, body }: Pick<Learned, 'head' | 'body'>): BareAnswer {
  const lines = head.split('\r\n').slice(1)
  const fields = lines.map((line): [string, string] => {
    const colon = line.indexOf(': ')
    return [line.slice(0, colon), line.slice(colon + 2)]
  })
  const headers = Object.fromEntries(fields.filter(([name]) => !WRITTEN_BY_NODE.includes(name.toLowerCase())))
  const keepAliveSeconds = Number(/^keep-alive: timeout=(\d+)/im.exec(head)?.[1])
  return { headers, body, keepAliveTimeoutMs: keepAliveSeconds * 1_000 }
}

function undated(head: string): string {
  return head.replace(/^date: .*$/im, 'date')
}
