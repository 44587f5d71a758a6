#!/usr/bin/env node
// What we depend on: known weaknesses, as the registry tells them (`npm audit`), and what needs no registry: that each
// package is pinned, that what comes is what was meant, and that none runs a script when it is installed.
// Plain JavaScript that Node 20 runs, as the rest of the setup.

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { findOnPath, runAsProgram, SetupError } from './setup-tools.mjs'

const AUDIT_LIMIT_MS = 120_000
const ANSWER_LIMIT_MS = 20_000
/** Less severe ones are for the next update. */
const LEAST_SEVERE = 'high'
const SEVERE = ['high', 'critical']
/** Of a registry that has nothing to say of weaknesses. */
const NOT_OFFERED = [404, 405, 501]

/**
 * Packages with a script of their own for their installation, and why they may be here. None of the scripts is ever run
 * (scripts/setup.mjs installs with --ignore-scripts).
 */
const WITH_SCRIPTS = {
  '@scarf/scarf': 'would tell its makers of the installation, for Pact; it is never run',
  '@newrelic/fn-inspect': 'would build what names the lines of functions for New Relic; the agent works without',
  '@newrelic/native-metrics': 'would build what tells New Relic of garbage collection; the agent works without',
  ibm_db: 'would fetch and build IBM’s driver; scripts/setup-drda.mjs fetches it, and checks what comes',
  'msgpackr-extract': 'would build what makes BullMQ’s msgpackr a little faster; it works without',
  protobufjs: 'would warn of versions of its own in other packages',
}

/** Faults of what package.json and package-lock.json say, each a sentence; none is an empty list. */
export function faultsOf({ manifest, lock, withScripts = WITH_SCRIPTS }) {
  const kinds = ['dependencies', 'devDependencies', 'optionalDependencies']
  const named = kinds.flatMap((kind) => Object.entries(manifest[kind] ?? {}))
  const locked = Object.entries(lock.packages ?? {}).filter(([path]) => path !== '')
  const nameOf = (path) => path.split('node_modules/').at(-1)
  const scripted = locked.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => nameOf(path))
  return [
    ...named
      .filter(([, version]) => !/^\d+\.\d+\.\d+(?:-[\w.-]+)?$/.test(version))
      .map(([name, version]) => `${name} is not pinned: ${version}`),
    ...named.filter(([name]) => !lock.packages?.[`node_modules/${name}`]).map(([name]) => `${name} is not locked`),
    ...locked
      .filter(([, { integrity, inBundle, link }]) => !inBundle && (link || !/^sha512-[\w+/]{86}==$/.test(integrity)))
      .map(([path]) => `${nameOf(path)} has no hash of what it must be`),
    ...scripted
      .filter((name) => !Object.hasOwn(withScripts, name))
      .map((name) => `${name} has a script for its installation, and nobody has said why it may`),
    ...Object.keys(withScripts)
      .filter((name) => !scripted.includes(name))
      .map((name) => `${name} has no script for its installation any more: take it off the list`),
  ]
}

/** What `npm audit --json` has said: `found` (each a sentence), or `none`, or why there is no answer. */
export function verdictOf(text) {
  const said = parsed(text)
  if (said === null) return { outcome: 'unknown', why: 'npm has not said what it found' }
  if (said.vulnerabilities && said.metadata) {
    const severe = Object.values(said.vulnerabilities).filter(({ severity }) => SEVERE.includes(severity))
    const found = severe.map(({ name, severity, range }) => `${name} ${range}: ${severity}`)
    return found.length > 0 ? { outcome: 'found', found } : { outcome: 'none' }
  }
  if (NOT_OFFERED.includes(said.statusCode)) {
    return { outcome: 'not-offered', why: `this registry does not tell of weaknesses (${said.statusCode})` }
  }
  const why = said.error?.summary || said.message || said.error?.code || 'npm says nothing of why'
  return { outcome: 'unknown', why: String(why).split('\n')[0] }
}

/** Throws SetupError where something is to be mended; `strict`: also where nobody could be asked. */
export function audit({ root, env, write, strict }) {
  const read = (name) => JSON.parse(readFileSync(join(root, name), 'utf8'))
  const faults = faultsOf({ manifest: read('package.json'), lock: read('package-lock.json') })
  if (faults.length > 0) throw new SetupError(`The packages are not as they must be:\n${list(faults)}`)
  const verdict = verdictOf(askRegistry({ root, env }))
  if (verdict.outcome === 'found') {
    throw new SetupError(`Packages with known weaknesses (npm audit says more):\n${list(verdict.found)}`)
  }
  if (verdict.outcome === 'none') return write('Packages: pinned, and without known weaknesses of note.\n')
  const told = `Packages: pinned; NOT audited for known weaknesses: ${verdict.why}.`
  if (strict) throw new SetupError(told)
  write(`${told}\n`)
}

/** What it prints; it fails as well when it has found something. Only what is installed in production counts. */
function askRegistry({ root, env }) {
  const npm = findOnPath('npm', env.PATH)
  if (!npm) throw new SetupError('npm is needed, and it is not on the PATH.')
  const args = [
    'audit',
    '--omit=dev',
    `--audit-level=${LEAST_SEVERE}`,
    '--json',
    '--fetch-retries=0',
    `--fetch-timeout=${ANSWER_LIMIT_MS}`,
  ]
  const { stdout } = spawnSync(npm, args, { cwd: root, env, encoding: 'utf8', timeout: AUDIT_LIMIT_MS })
  return stdout ?? ''
}

function parsed(text) {
  try {
    const value = JSON.parse(text)
    return typeof value === 'object' ? value : null
  } catch {
    return null
  }
}

const list = (lines) => lines.map((line) => `  ${line}`).join('\n')

runAsProgram(import.meta.url, ({ root, env, write, args }) =>
  audit({ root, env, write, strict: args.includes('--strict') }),
)
