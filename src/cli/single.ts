import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PlainError } from './plain-error.ts'

const LOCK_FILE = 'all.pid'

/** Two `all` in one data folder would end each other's Redis: the second is refused. Answers how to unlock. */
export async function lockFolder(dataDir: string): Promise<() => Promise<void>> {
  await mkdir(dataDir, { recursive: true })
  const file = join(dataDir, LOCK_FILE)
  const holder = Number(await readFile(file, 'utf8').catch(() => '0'))
  if (holder > 0 && holder !== process.pid && (await isOurs(holder))) {
    throw new PlainError(
      `users-service already runs on ${dataDir} as process ${holder}; end it first, or set DATA_DIR.`,
    )
  }
  await writeFile(file, String(process.pid))
  return () => rm(file, { force: true })
}

/** A process number is used again sooner or later: it counts only while it is a Node process that runs `all`. */
async function isOurs(pid: number): Promise<boolean> {
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return commandLine.split('\0').includes('all') && commandLine.includes('main.ts')
}
