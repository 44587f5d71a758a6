import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { findOnPath, outputOf, run } from '../../scripts/setup-tools.mjs'
import { ensureVenv, lastLine } from '../../scripts/setup-venv.mjs'

/** Where a built opponent is, and what it is made of; or, in one line, why it can't be built here. */
export type Tool = { path: string; software: string } | { missing: string }

export const GO_DIR = join(import.meta.dirname, 'go')
export const DJANGO_DIR = join(import.meta.dirname, 'django')

type Where = { toolsDir: string; env: NodeJS.ProcessEnv }

/** The Go opponents' binary. Go's own cache makes it a matter of a second when nothing has changed. */
export function buildGo({ toolsDir, env }: Where): Tool {
  const go = findOnPath('go', env.PATH)
  if (!go) return { missing: 'go is not on the PATH' }
  const path = join(toolsDir, 'opponents', 'echo')
  // No other toolchain is fetched than the one that is there, and no C compiler is needed.
  const settings = { ...env, GOTOOLCHAIN: 'local', GOWORK: 'off', CGO_ENABLED: '0' }
  const failure = run('go', ['build', '-trimpath', '-o', path, '.'], { cwd: GO_DIR, env: settings })
  if (failure) return { missing: `go build: ${lastLine(failure)}` }
  const modules = requiredModules(readFileSync(join(GO_DIR, 'go.mod'), 'utf8'))
  const version = outputOf(go, ['env', 'GOVERSION'], settings).trim()
  return { path, software: [version, ...modules].join(', ') }
}

/** The virtual environment of the Django opponents, made once for each requirements.txt and Python. */
export function installDjango({ toolsDir, env }: Where): Tool {
  return ensureVenv({ requirementsDir: DJANGO_DIR, path: join(toolsDir, 'opponents', 'django'), env })
}

/** `echo v4.16.0` and the like: what go.mod requires itself. */
export function requiredModules(goMod: string): string[] {
  const required = goMod.matchAll(/^\t(\S+) (v\S+)$/gm)
  return [...required].map(([, path = '', version]) => `${path.split('/').slice(1).join('/')} ${version}`)
}
