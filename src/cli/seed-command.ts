import { existsSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Command } from 'commander'
import { type Config, readConfig } from '../config.ts'
import { databasePath } from '../wiring-database.ts'
import { wholeNumber } from './arguments.ts'
import { makeDataFolder } from './data-folder.ts'
import { PlainError } from './plain-error.ts'
import { seed } from './seed.ts'
import { lockFolder } from './single.ts'

/** The same people on every machine. */
const SEED = 1
const DEFAULT_USERS = '100000'

export function seedCommand(): Command {
  return new Command('seed')
    .description('Fill an embedded database with made-up users; one that was not made so is never touched')
    .option('--users <number>', 'how many', wholeNumber, wholeNumber(DEFAULT_USERS))
    .action(async ({ users }: { users: number }) => {
      const config = readConfig()
      if (config.database !== null) throw new PlainError('DATABASE_URL is set: only the embedded database is filled.')
      const unlock = await lockFolder(config.dataDir)
      try {
        const filled = await seedDemo(config, users)
        if (!filled) process.stdout.write('the database holds these users already\n')
      } finally {
        await unlock()
      }
    })
}

/**
 * Makes the database with `users` made-up users unless it holds exactly those. Answers whether it did. A new one has a
 * new epoch: copies of the old one's people in Redis or in caches are never taken for these.
 */
export async function seedDemo(config: Config, users: number): Promise<boolean> {
  const path = databasePath(config)
  const markerPath = `${path}.seed.json`
  const wanted = JSON.stringify({ users, seed: SEED })
  const held = await readFile(markerPath, 'utf8').catch(() => null)
  if (existsSync(path)) {
    if (held === wanted) return false
    if (held === null)
      throw new PlainError(`${path} was not made by \`seed\`; it stays as it is. Set DATA_DIR, or delete it.`)
    process.stdout.write(`${path} holds other made-up users; making it anew\n`)
    await Promise.all(['', '-wal', '-shm'].map((suffix) => rm(`${path}${suffix}`, { force: true })))
  }
  // The marker first: the database appears only when it is whole, and then it must be known as one of ours.
  await makeDataFolder(dirname(path))
  await writeFile(markerPath, wanted)
  seed({ path, users, seed: SEED })
  return true
}
