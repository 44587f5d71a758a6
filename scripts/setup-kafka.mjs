#!/usr/bin/env node
// Apache Kafka, the broker of the tests and of `make run-kafka`. `needed` where nothing goes without it. Runs on Node 20.
// When there is nothing to do it says nothing.

import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, realpathSync, rmSync, statSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fetchJars, findOnPath, outputOf, run, runAsProgram, SetupError, step } from './setup-tools.mjs'

/** Kafka 4 dropped older ones for brokers (KIP-1013). */
const OLDEST_JAVA = 17

export const kafkaFolder = (root) => join(root, '.tools', 'kafka-4.4.0')

const WARM_PREFIX = 'warm-'
/** In the path of a folder. */
const JAVA_NAME_LENGTH = 16

/**
 * What spares a broker under this very Java half of its start: `classes.jsa`, its classes as Java keeps them in memory, and
 * `data`, a formatted folder. Neither need be there: the broker starts without, and is the same.
 */
export const warmFolder = (root, java) => join(kafkaFolder(root), WARM_PREFIX + javaName(java))

/** Another one for another Java, even where an update has put it into the same place. */
function javaName(java) {
  const program = realpathSync(java)
  const parts = [program, join(dirname(dirname(program)), 'lib', 'server', 'libjvm.so')].map((file) => {
    const found = statSync(file, { throwIfNoEntry: false })
    return [file, found?.size, found?.mtimeMs]
  })
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, JAVA_NAME_LENGTH)
}

/** Undefined when the broker can be started, else why it cannot. */
export function ensureKafka({ root, env, write }) {
  const java = findOnPath('java', env.PATH)
  if (!java) return 'java, which runs the broker, is not on the PATH'
  const why = ensureJars({ root, env, write, java })
  if (why === undefined) ensureWarm({ root, env, write, java })
  return why
}

function ensureJars({ root, env, write, java }) {
  const target = kafkaFolder(root)
  if (existsSync(target)) return undefined
  // Asked only now: to start a Java takes a while, and every `make test` comes by here.
  if (majorOf(java, env) < OLDEST_JAVA) return `the broker needs Java ${OLDEST_JAVA}, and the one on the PATH is older`
  return fetchJars({ root, env, write, title: 'Fetching Apache Kafka', pom: 'scripts/kafka/pom.xml', target })
}

/** Tried once for each Java: what cannot be made is done without. */
function ensureWarm({ root, env, write, java }) {
  const folder = warmFolder(root, java)
  if (existsSync(folder)) return
  // The Node of the project, which runs TypeScript, is among the packages; the one that runs this file may not.
  const path = [join(root, 'node_modules', '.bin'), env.PATH].join(delimiter)
  step(write, "Preparing quick starts of Kafka's broker", () =>
    run('node', [join(root, 'scripts', 'kafka', 'warm-up.ts'), folder], { cwd: root, env: { ...env, PATH: path } }),
  )
  mkdirSync(folder, { recursive: true })
  for (const name of readdirSync(dirname(folder))) {
    const old = join(dirname(folder), name)
    if (name.startsWith(WARM_PREFIX) && old !== folder) rmSync(old, { recursive: true, force: true })
  }
}

/** Java 8 doesn't know the option: 0. */
function majorOf(java, env) {
  return Number(/(\d+)/.exec(outputOf(java, ['--version'], env))?.[1] ?? 0)
}

runAsProgram(import.meta.url, ({ root, env, write, args }) => {
  const why = ensureKafka({ root, env, write })
  if (why === undefined) return
  if (args[0] === 'needed' || env.CI) throw new SetupError(`Apache Kafka cannot be set up: ${why}`)
  write(`The tests over Kafka are left out: ${why}.\n`)
})
