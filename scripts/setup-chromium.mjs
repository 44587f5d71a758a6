#!/usr/bin/env node
// Chromium, in which the page of the API's documentation is tested: the one on the PATH, or Debian's. Where neither can be
// had, it says so. Runs on Node 20. When there is nothing to do it says nothing.

import { installWithApt } from './setup-apt.mjs'
import { findOnPath, runAsProgram } from './setup-tools.mjs'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome']

/** The path of the first, or undefined. */
export const findChromium = (path) => NAMES.map((name) => findOnPath(name, path)).find((file) => file !== undefined)

/** Undefined when there is one, else why there is none. */
export function ensureChromium(options) {
  return findChromium(options.env.PATH) ? undefined : installWithApt('chromium', options)
}

runAsProgram(import.meta.url, (options) => {
  const why = ensureChromium({ ...options, uid: process.getuid?.() })
  if (why !== undefined) options.write(`The test of the documentation's page in a browser is left out: ${why}.\n`)
})
