#!/usr/bin/env node
// Apache Kafka, the broker of the tests and of `make run-kafka`. `needed` where nothing goes without it. Runs on Node 20.
// When there is nothing to do it says nothing.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fetchJars, findOnPath, outputOf, runAsProgram, SetupError } from './setup-tools.mjs'

/** Kafka 4 dropped older ones for brokers (KIP-1013). */
const OLDEST_JAVA = 17

export const kafkaFolder = (root) => join(root, '.tools', 'kafka-4.4.0')

/** Undefined when the broker can be started, else why it cannot. */
export function ensureKafka({ root, env, write }) {
  const java = findOnPath('java', env.PATH)
  if (!java) return 'java, which runs the broker, is not on the PATH'
  const target = kafkaFolder(root)
  if (existsSync(target)) return undefined
  // Asked only now: to start a Java takes a while, and every `make test` comes by here.
  if (majorOf(java, env) < OLDEST_JAVA) return `the broker needs Java ${OLDEST_JAVA}, and the one on the PATH is older`
  return fetchJars({ root, env, write, title: 'Fetching Apache Kafka', pom: 'scripts/kafka/pom.xml', target })
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
