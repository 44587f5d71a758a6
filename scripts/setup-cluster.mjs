#!/usr/bin/env node
// A real API server of Kubernetes, with kubectl and etcd, built once into .tools out of Go modules, for `make test-cluster`.
// Ten minutes on two cores the first time. Runs on Node 20. When there is nothing to do it says nothing.

import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { ensureChartTools } from './setup-chart.mjs'
import { KUBERNETES } from './setup-kubernetes-schemas.mjs'
import { findOnPath, outputOf, run, runAsProgram, SetupError, step } from './setup-tools.mjs'

const ETCD = { module: 'go.etcd.io/etcd/server/v3', version: 'v3.7.3' }
/** What Kubernetes keeps in folders of its own repository is published as modules of their own, under this version. */
const STAGED = KUBERNETES.replace(/^v1\./, 'v0.')
const [MAJOR, MINOR] = KUBERNETES.slice(1).split('.')

export const clusterFolder = (root) => join(root, '.tools', `kubernetes-${KUBERNETES}`)
const PROGRAMS = ['kube-apiserver', 'kubectl', 'etcd']

/** Undefined when they are there, else why they are not. */
export function ensureCluster({ root, env, write }) {
  const target = clusterFolder(root)
  const missing = PROGRAMS.filter((name) => !existsSync(join(target, name)))
  if (missing.length === 0) return undefined
  if (!findOnPath('go', env.PATH)) return 'go, which builds them, is not on the PATH'
  mkdirSync(target, { recursive: true })
  for (const name of missing) {
    // One at a time: whoever breaks off keeps what is done.
    const failure = step(write, `Building ${name} (minutes)`, () => buildAside(target, name, env))
    if (failure !== undefined) return `${name}: ${failure}`
  }
  return undefined
}

function buildAside(target, name, env) {
  const folder = mkdtempSync(join(target, 'making-'))
  const settings = { ...env, GOTOOLCHAIN: 'local', GOFLAGS: '-mod=mod -trimpath' }
  const once = (args) => run('go', args, { cwd: folder, env: settings })
  // A command has ten minutes, and Kubernetes may take more on a busy machine: what is compiled by then is kept.
  const go = (...args) => [1, 2, 3].reduce((failure) => (failure === undefined ? undefined : once(args)), 'not tried')
  try {
    const failure = name === 'etcd' ? buildEtcd(folder, go) : buildKubernetes(folder, name, go, settings)
    if (failure) return failure
    renameSync(join(folder, 'made'), join(target, name))
    return undefined
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function buildEtcd(folder, go) {
  const { module, version } = ETCD
  return (
    go('mod', 'init', 'cluster') ??
    go('get', `${module}@${version}`) ??
    go('build', '-ldflags', '-s -w', '-o', join(folder, 'made'), module)
  )
}

/** Kubernetes' own go.mod, so that its dependencies are those that it is released with, in a module of ours. */
function buildKubernetes(folder, name, go, env) {
  const failure = go('mod', 'init', 'cluster') ?? go('mod', 'download', `k8s.io/kubernetes@${KUBERNETES}`)
  if (failure) return failure
  const cache = outputOf(findOnPath('go', env.PATH), ['env', 'GOMODCACHE'], env).trim()
  const source = join(cache, 'k8s.io', `kubernetes@${KUBERNETES}`)
  const published = readFileSync(join(source, 'go.mod'), 'utf8')
    .replace(/^module .*/m, 'module cluster')
    .replace(/=> \.\/staging\/src\/(k8s\.io\/[a-z-]+)/g, `=> $1 ${STAGED}`)
    .replace(/^godebug .*$/gm, '')
  writeFileSync(join(folder, 'go.mod'), `${published}\nrequire k8s.io/kubernetes ${KUBERNETES}\n`)
  copyFileSync(join(source, 'go.sum'), join(folder, 'go.sum'))
  const version = 'k8s.io/component-base/version'
  const flags = { gitVersion: KUBERNETES, gitMajor: MAJOR, gitMinor: MINOR }
  const said = Object.entries(flags).map(([key, value]) => `-X ${version}.${key}=${value}`)
  return go(
    'build',
    '-ldflags',
    ['-s -w', ...said].join(' '),
    '-o',
    join(folder, 'made'),
    `k8s.io/kubernetes/cmd/${name}`,
  )
}

runAsProgram(import.meta.url, (options) => {
  const why = ensureChartTools(options) ?? ensureCluster(options)
  if (why !== undefined) throw new SetupError(`The cluster cannot be made: ${why}`)
})
