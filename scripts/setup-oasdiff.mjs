#!/usr/bin/env node
// What compares the OpenAPI document with the last release's: oasdiff. Built by Go, once, into .tools: a minute. Where that
// cannot be, it says so, and under CI it fails. Runs on Node 20. When there is nothing to do it says nothing.

import { ensureGoTool } from './setup-go-tools.mjs'
import { runAsProgram, SetupError } from './setup-tools.mjs'

runAsProgram(import.meta.url, ({ root, env, write, args }) => {
  const why = ensureGoTool({ root, env, write }, 'oasdiff')
  if (why === undefined) return
  if (args[0] === 'needed' || env.CI) throw new SetupError(`OpenAPI documents cannot be compared: ${why}`)
  write(`Whether the OpenAPI document breaks the last release’s is left out: ${why}.\n`)
})
