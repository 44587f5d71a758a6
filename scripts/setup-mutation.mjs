#!/usr/bin/env node
// What `make mutants` needs, and nothing else: so it is no package of the service's development, but a folder of its own.

import { join } from 'node:path'
import { ensurePackages } from './setup.mjs'
import { runAsProgram } from './setup-tools.mjs'

runAsProgram(import.meta.url, ({ root, env, write }) =>
  ensurePackages({ root: join(root, 'test', 'mutation'), env, write, title: 'Stryker' }),
)
