import { randomUUID } from 'node:crypto'
import { link, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeDataFolder } from './data-folder.ts'
import { PlainError } from './plain-error.ts'

const LOCK_FILE = 'all.pid'
/** Each further one needs another process that ended in the middle of the few calls of a takeover. */
const MAX_ATTEMPTS = 10

/**
 * Two of us in one data folder would end each other's Redis, or take the database away under each other: the second is
 * refused. Answers how to unlock. A lock whose process is gone counts for nothing.
 */
export async function lockFolder(dataDir: string): Promise<() => Promise<void>> {
  await makeDataFolder(dataDir)
  const file = join(dataDir, LOCK_FILE)
  const mine = await identityOf(process.pid)
  const draft = `${file}.${randomUUID()}`
  await writeFile(draft, mine)
  try {
    await acquire(file, draft, (holder) => {
      throw new PlainError(
        `users-service already works on ${dataDir} as process ${holder}; end it first, or set DATA_DIR.`,
      )
    })
  } finally {
    await rm(draft, { force: true })
  }
  return async () => {
    if ((await textOf(file)) === mine) await rm(file, { force: true })
  }
}

/**
 * A hard link never replaces anything: of several processes one makes it. Who finds a dead process's lock must not just
 * delete it, because it may be somebody's new one by then: the right to delete that very lock is a lock itself.
 */
async function acquire(file: string, draft: string, refuse: (holder: number) => void, depth = 0): Promise<void> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    if (await linked(draft, file)) return
    const held = await textOf(file)
    if (held === null) continue
    if (await isAlive(held)) refuse(pidOf(held))
    if (depth === MAX_ATTEMPTS) break
    const claim = `${file}.${held.trim().replace(' ', '-')}`
    await acquire(claim, draft, refuse, depth + 1)
    if ((await textOf(file)) === held) await rm(file, { force: true })
    await rm(claim, { force: true })
  }
  throw new PlainError(`${file} cannot be locked; delete it if no users-service works on its folder.`)
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if ((error as { code?: string }).code === 'EEXIST') return false
    throw error
  }
}

/** A process number is used again sooner or later; with the time when the process began it is not. */
async function identityOf(pid: number): Promise<string> {
  return `${pid} ${(await startOf(pid)) ?? 0}\n`
}

async function isAlive(identity: string): Promise<boolean> {
  return (await startOf(pidOf(identity))) !== null && (await identityOf(pidOf(identity))) === identity
}

function pidOf(identity: string): number {
  return Number.parseInt(identity, 10)
}

/** In clock ticks since the machine's start (proc(5), field 22); null when there is no such process, or it has ended. */
async function startOf(pid: number): Promise<number | null> {
  const stat = await textOf(`/proc/${pid}/stat`)
  // The second field is the program's name in brackets, and may hold anything.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields === undefined || fields[0] === 'Z' ? null : Number(fields[19])
}

async function textOf(file: string): Promise<string | null> {
  return readFile(file, 'utf8').catch(() => null)
}
