#!/usr/bin/env node
// What Kubernetes and its extensions say of their objects, as strict JSON schemas for kubeconform, made once into .tools out of
// Go modules; and the extensions' own definitions (CRDs), for `make test-cluster`. Runs on Node 20.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { customSchemas, kubernetesSchemas } from './chart/schemas.mjs'
import { readYaml } from './chart/yaml.mjs'
import { goTool } from './setup-go-tools.mjs'
import { findOnPath, outputOf, run, runAsProgram, SetupError, step } from './setup-tools.mjs'

export const KUBERNETES = 'v1.37.2'
const OPERATOR = 'github.com/prometheus-operator/prometheus-operator'
/** Where each definition is in its module. */
const EXTENSIONS = [
  {
    module: OPERATOR,
    version: 'v0.85.0',
    folder: 'example/prometheus-operator-crd',
    kinds: /_(servicemonitors|podmonitors|prometheusrules)\.yaml$/,
  },
  {
    module: 'github.com/kedacore/keda/v2',
    version: 'v2.21.0',
    folder: 'config/crd/bases',
    kinds: /_scaledobjects\.yaml$/,
  },
]

export const schemaFolder = (root) => join(root, '.tools', `kubernetes-schemas-${KUBERNETES}`)
export const definitionFolder = (root) => join(schemaFolder(root), 'definitions')

/** Undefined when they are there, else why they are not. Helm must be there. */
export function ensureKubernetesSchemas({ root, env, write }) {
  const target = schemaFolder(root)
  if (existsSync(target)) return undefined
  if (!findOnPath('go', env.PATH)) return 'go, which fetches them, is not on the PATH'
  return step(write, `Making the schemas of Kubernetes ${KUBERNETES}`, () => {
    mkdirSync(join(root, '.tools'), { recursive: true })
    const folder = mkdtempSync(join(root, '.tools', 'schemas-'))
    try {
      const failure = make(folder, goTool(root, 'helm'), env)
      if (failure) return failure
      renameSync(folder, target)
      return undefined
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
}

function make(folder, helm, env) {
  const kubernetes = fetchModule(folder, 'k8s.io/kubernetes', KUBERNETES, env)
  if (kubernetes.failure) return kubernetes.failure
  const openApi = JSON.parse(readFileSync(join(kubernetes.folder, 'api', 'openapi-spec', 'swagger.json'), 'utf8'))
  const schemas = kubernetesSchemas(openApi)
  mkdirSync(join(folder, 'definitions'))
  for (const { module, version, folder: inside, kinds } of EXTENSIONS) {
    const fetched = fetchModule(folder, module, version, env)
    if (fetched.failure) return fetched.failure
    const files = readdirSync(join(fetched.folder, inside)).filter((name) => kinds.test(name))
    const texts = files.map((name) => readFileSync(join(fetched.folder, inside, name), 'utf8'))
    for (const [index, name] of files.entries()) writeFileSync(join(folder, 'definitions', name), texts[index])
    schemas.push(...readYaml(helm, texts).flatMap(customSchemas))
  }
  for (const { name, schema } of schemas) writeFileSync(join(folder, name), JSON.stringify(schema))
  return undefined
}

/** Where a module is on this machine, once it is fetched. */
function fetchModule(folder, module, version, env) {
  const settings = { ...env, GOTOOLCHAIN: 'local', GOFLAGS: '-mod=mod' }
  const failure = run('go', ['mod', 'download', `${module}@${version}`], { cwd: folder, env: settings })
  if (failure) return { failure }
  const cache = outputOf(findOnPath('go', env.PATH), ['env', 'GOMODCACHE'], settings).trim()
  return { folder: join(cache, `${module}@${version}`) }
}

runAsProgram(import.meta.url, (options) => {
  const why = ensureKubernetesSchemas(options)
  if (why !== undefined) throw new SetupError(`The schemas of Kubernetes cannot be made: ${why}`)
})
