import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { hasEnded, type Running } from '../processes.ts'
import type { Stage } from '../stage.ts'

export type Worker = { name: string; running: Running }

const LOOK_EVERY_MS = 20

/** Looks until it is so. Rejects, with what was waited for, when it takes too long, or one of the workers ends. */
export async function until(
  what: string,
  limitMs: number,
  stage: Pick<Stage, 'processes'>,
  workers: Worker[],
  isSo: () => Promise<boolean> | boolean,
): Promise<void> {
  const deadline = performance.now() + limitMs
  while (!(await isSo())) {
    mustRun(stage, workers, `waited until ${what}`)
    if (performance.now() > deadline) {
      const words = workers.map(({ name }) => `${name}:\n${stage.processes.lastWords(name)}`).join('\n')
      throw new Error(`waited ${limitMs} ms in vain until ${what}\n${words}`)
    }
    await delay(LOOK_EVERY_MS)
  }
}

/** Throws, with what it has said last, when one of the workers has ended. `cause`: how that was noticed. */
export function mustRun({ processes }: Pick<Stage, 'processes'>, workers: Worker[], cause: unknown): void {
  const ended = workers.find(({ running }) => hasEnded(running))
  if (ended) throw new Error(`${ended.name} has ended:\n${processes.lastWords(ended.name)}`, { cause })
}

type Line = { msg?: string; partitions?: number[] }

/** All that a process has said, one object a line. What it is just writing is left out. */
export function linesOf({ dir }: Pick<Stage, 'dir'>, name: string): Line[] {
  const text = readFileSync(join(dir, `${name}.log`), 'utf8')
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Line] : []))
}

/** Each has some of the partitions, and together they have all. */
export function haveJoined(stage: Pick<Stage, 'dir'>, projectors: Worker[], partitions: number): boolean {
  const shares = projectors.map(
    ({ name }) => linesOf(stage, name).findLast((line) => line.partitions !== undefined)?.partitions ?? [],
  )
  return shares.every((share) => share.length > 0) && new Set(shares.flat()).size === partitions
}

export function areWorking(stage: Pick<Stage, 'dir'>, workers: Worker[]): boolean {
  return workers.every(({ name }) => linesOf(stage, name).some(({ msg }) => msg === 'working'))
}
