#!/usr/bin/env node
// Tools written in Go, each built once into .tools/go: those that are named, else all. They check what is for Kubernetes and
// for Prometheus (`make test-chart`), and the OpenAPI document (`make test`). Runs on Node 20. When there is nothing to do it says nothing.

import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { findOnPath, run, runAsProgram, SetupError, step } from './setup-tools.mjs'

const TOOLS = {
  helm: { module: 'helm.sh/helm/v4', command: 'cmd/helm', version: 'v4.3.1' },
  kubeconform: { module: 'github.com/yannh/kubeconform', command: 'cmd/kubeconform', version: 'v0.8.0' },
  'kube-score': { module: 'github.com/zegl/kube-score', command: 'cmd/kube-score', version: 'v1.20.0' },
  oasdiff: { module: 'github.com/oasdiff/oasdiff', command: '.', version: 'v1.38.0' },
  promtool: { module: 'github.com/prometheus/prometheus', command: 'cmd/promtool', version: 'v0.316.0' },
}

/** Where the program is, once it is built. */
export const goTool = (root, name) => join(root, '.tools', 'go', `${name}-${TOOLS[name].version}`, name)

/** Undefined when it is there, else why it is not. */
export function ensureGoTool({ root, env, write }, name) {
  const target = join(root, '.tools', 'go', `${name}-${TOOLS[name].version}`)
  if (existsSync(target)) return undefined
  if (!findOnPath('go', env.PATH)) return 'go, which builds the tools, is not on the PATH'
  return step(write, `Building ${name} ${TOOLS[name].version}`, () => {
    mkdirSync(join(root, '.tools', 'go'), { recursive: true })
    const folder = mkdtempSync(join(root, '.tools', 'go', 'making-'))
    try {
      const failure = build(TOOLS[name], join(folder, 'made', name), folder, env)
      if (failure) return failure
      renameSync(join(folder, 'made'), target)
      return undefined
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
}

/** In a module of our own, and not by `go install`, which refuses modules that replace others (as Prometheus does). */
function build({ module, command, version }, target, folder, env) {
  // The machine's own Go: another one is not fetched for a tool.
  const settings = { ...env, GOFLAGS: '-trimpath', GOTOOLCHAIN: 'local' }
  const go = (...args) => run('go', args, { cwd: folder, env: settings })
  const program = command === '.' ? module : `${module}/${command}`
  return go('mod', 'init', 'tools') ?? go('get', `${program}@${version}`) ?? go('build', '-o', target, program)
}

runAsProgram(import.meta.url, ({ root, env, write, args }) => {
  for (const name of args.length > 0 ? args : Object.keys(TOOLS)) {
    if (!(name in TOOLS)) throw new SetupError(`There is no tool ${name}: ${Object.keys(TOOLS).join(', ')}`)
    const why = ensureGoTool({ root, env, write }, name)
    if (why !== undefined) throw new SetupError(`${name} cannot be built: ${why}`)
  }
})
