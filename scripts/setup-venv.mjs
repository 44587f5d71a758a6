// A virtual environment of Python with the packages of a requirements.txt: for programs beside the service that are
// written in Python. Runs on Node 20.

import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findOnPath, outputOf, run } from './setup-tools.mjs'

/**
 * Made at `path` once for each requirements.txt (in the folder `requirementsDir`) and Python. Answers where it is and what
 * it is made of, or, in one line, why it can't be made here.
 */
export function ensureVenv({ requirementsDir, path, env, write = () => undefined }) {
  const python = findOnPath('python3', env.PATH)
  if (!python) return { missing: 'python3 is not on the PATH' }
  const version = outputOf(python, ['--version'], env).trim()
  const requirements = readFileSync(join(requirementsDir, 'requirements.txt'), 'utf8')
  const stamp = stampOf(path)
  const wanted = createHash('sha256').update(`${version}\n${requirements}`).digest('hex')
  const installed = existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted
  if (!installed) {
    write('Installing Python packages ... ')
    const failure = makeVenv(path, requirementsDir, env)
    write(failure === undefined ? 'done\n' : 'failed\n')
    if (failure) return { missing: failure }
    writeFileSync(stamp, wanted)
  }
  return { path, software: [version, ...pinnedPackages(requirements)].join(', ') }
}

/** Whether one was made at `path`, and to its end. */
export const isVenv = (path) => existsSync(stampOf(path))

const stampOf = (path) => join(path, 'installed')

/** Answers why it failed, or undefined. A folder that is only half made has no stamp, and is made anew. */
function makeVenv(path, requirementsDir, env) {
  rmSync(path, { recursive: true, force: true })
  mkdirSync(path, { recursive: true })
  const made = run('python3', ['-m', 'venv', path], { cwd: requirementsDir, env })
  if (made) return `python3 -m venv: ${lastLine(made)}`
  const options = ['--quiet', '--disable-pip-version-check', '--require-hashes', '--only-binary=:all:']
  const install = ['-m', 'pip', 'install', ...options, '-r', 'requirements.txt']
  const inVenv = { ...env, PATH: `${join(path, 'bin')}:${env.PATH}` }
  const failure = run('python', install, { cwd: requirementsDir, env: inVenv })
  return failure && `pip install: ${lastLine(failure)}`
}

/** `django 5.2` and the like. */
export function pinnedPackages(requirements) {
  const pinned = requirements.matchAll(/^([A-Za-z0-9._-]+)==(\S+)/gm)
  return [...pinned].map(([, name, version]) => `${name} ${version}`)
}

export function lastLine(text) {
  return text.trim().split('\n').at(-1) ?? ''
}
