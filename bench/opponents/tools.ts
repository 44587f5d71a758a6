import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findOnPath, outputOf, run } from '../../scripts/setup-tools.mjs'

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
  const python = findOnPath('python3', env.PATH)
  if (!python) return { missing: 'python3 is not on the PATH' }
  const version = outputOf(python, ['--version'], env).trim()
  const requirements = readFileSync(join(DJANGO_DIR, 'requirements.txt'), 'utf8')
  const path = join(toolsDir, 'opponents', 'django')
  const stamp = join(path, 'installed')
  const wanted = createHash('sha256').update(`${version}\n${requirements}`).digest('hex')
  const installed = existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted
  const failure = installed ? undefined : makeVenv(path, env)
  if (failure) return { missing: failure }
  writeFileSync(stamp, wanted)
  return { path, software: [version, ...pinnedPackages(requirements)].join(', ') }
}

/** Answers why it failed, or undefined. A folder that is only half made has no stamp, and is made anew. */
function makeVenv(path: string, env: NodeJS.ProcessEnv): string | undefined {
  rmSync(path, { recursive: true, force: true })
  mkdirSync(path, { recursive: true })
  const made = run('python3', ['-m', 'venv', path], { cwd: DJANGO_DIR, env })
  if (made) return `python3 -m venv: ${lastLine(made)}`
  const options = ['--quiet', '--disable-pip-version-check', '--require-hashes', '--only-binary=:all:']
  const install = ['-m', 'pip', 'install', ...options, '-r', 'requirements.txt']
  const inVenv = { ...env, PATH: `${join(path, 'bin')}:${env.PATH}` }
  const failure = run('python', install, { cwd: DJANGO_DIR, env: inVenv })
  return failure && `pip install: ${lastLine(failure)}`
}

/** `echo v4.16.0` and the like: what go.mod requires itself. */
export function requiredModules(goMod: string): string[] {
  const required = goMod.matchAll(/^\t(\S+) (v\S+)$/gm)
  return [...required].map(([, path = '', version]) => `${path.split('/').slice(1).join('/')} ${version}`)
}

/** `django 5.2` and the like. */
export function pinnedPackages(requirements: string): string[] {
  const pinned = requirements.matchAll(/^([A-Za-z0-9._-]+)==(\S+)/gm)
  return [...pinned].map(([, name, version]) => `${name} ${version}`)
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? ''
}
