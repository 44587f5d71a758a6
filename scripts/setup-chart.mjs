#!/usr/bin/env node
// What the checks of the chart need: helm, kubeconform, kube-score, promtool, and Kubernetes' schemas. `needed` where nothing goes without
// it. Runs on Node 20. When there is nothing to do it says nothing.

import { ensureGoTool } from './setup-go-tools.mjs'
import { ensureKubernetesSchemas } from './setup-kubernetes-schemas.mjs'
import { runAsProgram, SetupError } from './setup-tools.mjs'

const TOOLS = ['helm', 'kubeconform', 'kube-score', 'promtool']

/** Undefined when all is there, else why it is not. */
export function ensureChartTools(options) {
  for (const name of TOOLS) {
    const why = ensureGoTool(options, name)
    if (why !== undefined) return `${name}: ${why}`
  }
  return ensureKubernetesSchemas(options)
}

runAsProgram(import.meta.url, ({ root, env, write, args }) => {
  const why = ensureChartTools({ root, env, write })
  if (why === undefined) return
  if (args[0] === 'needed' || env.CI) throw new SetupError(`The chart cannot be checked: ${why}`)
  write(`The checks of the chart are left out: ${why}.\n`)
})
