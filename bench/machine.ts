import { execFileSync } from 'node:child_process'
import { cpus, totalmem } from 'node:os'
import { ask } from '../src/adapters/redis/one-question.ts'
import { ROOT } from './processes.ts'

export type Host = { cores: number; cpu: string; memoryGib: number; node: string; commit: string }
export type Machine = Host & { redis: string }

export async function describeMachine(redisPort: number): Promise<Machine> {
  const info = await ask(redisPort, 'INFO server')
  const redis = /^(?:valkey|redis)_version:(\S+)/m.exec(info ?? '')?.[1] ?? 'unknown'
  return { ...describeHost(), redis }
}

export function describeHost(): Host {
  const [cpu] = cpus()
  return {
    cores: cpus().length,
    cpu: cpu?.model.trim() ?? 'unknown',
    memoryGib: totalmem() / 2 ** 30,
    node: process.version,
    commit: commit(),
  }
}

function commit(): string {
  const git = (...args: string[]) =>
    execFileSync('git', ['--no-optional-locks', ...args], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
  try {
    const changed = git('status', '--porcelain', '--', 'src', 'workers', 'db', 'package-lock.json').trim() !== ''
    return `${git('rev-parse', '--short', 'HEAD').trim()}${changed ? ' with changes' : ''}`
  } catch {
    return 'unknown'
  }
}
