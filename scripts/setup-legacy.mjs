#!/usr/bin/env node
// The virtual environment of the legacy application's example (examples/legacy-django). Runs on Node 20. When there is
// nothing to do it says nothing.

import { join } from 'node:path'
import { runAsProgram, SetupError } from './setup-tools.mjs'
import { ensureVenv } from './setup-venv.mjs'

export const legacyFolder = (root) => join(root, 'examples', 'legacy-django')
export const legacyVenv = (root) => join(root, '.tools', 'legacy-django')

/** Undefined when the example can be started, else why it cannot. */
export function ensureLegacy({ root, env, write }) {
  const made = ensureVenv({ requirementsDir: legacyFolder(root), path: legacyVenv(root), env, write })
  return 'missing' in made ? made.missing : undefined
}

runAsProgram(import.meta.url, ({ root, env, write, args }) => {
  const why = ensureLegacy({ root, env, write })
  if (why === undefined) return
  if (args[0] === 'needed' || env.CI) throw new SetupError(`The legacy example cannot be set up: ${why}`)
  write(`The tests beside the legacy example are left out: ${why}.\n`)
})
