import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { documentsIn, readYaml } from '../../scripts/chart/yaml.mjs'
import { goTool } from '../../scripts/setup-go-tools.mjs'
import { schemaFolder } from '../../scripts/setup-kubernetes-schemas.mjs'
import type { KubernetesObject } from './objects.ts'

export const ROOT = join(import.meta.dirname, '..', '..')
export const CHART = join(ROOT, 'charts', 'users-service')
export const RELEASE = 'shop'
export const NAMESPACE = 'users'
const VALUES = join(import.meta.dirname, 'values')
const LIMIT_MS = 60_000
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024

/** Null when the chart can be checked here, else what is missing. */
export function chartMissing(): string | null {
  const tools = (['helm', 'kubeconform', 'kube-score'] as const).map((name) => goTool(ROOT, name))
  const missing = [...tools, schemaFolder(ROOT)].find((path) => !existsSync(path))
  return missing === undefined ? null : `no ${missing.slice(ROOT.length + 1)}; \`make test-chart\` makes it`
}

export type ValueSet = { name: string; file: string }
export const valueSets: ValueSet[] = readdirSync(VALUES)
  .filter((name) => name.endsWith('.yaml'))
  .sort()
  .map((name) => ({ name: name.slice(0, -'.yaml'.length), file: join(VALUES, name) }))

export const valueSet = (name: string): ValueSet => {
  const found = valueSets.find((one) => one.name === name)
  if (found === undefined) throw new Error(`no value set ${name}`)
  return found
}

export type Ran = { status: number | null; stdout: string; stderr: string }

/** Runs a tool, with something on its standard input where it reads that. */
export function runTool(name: 'helm' | 'kubeconform' | 'kube-score', args: string[], input = ''): Ran {
  const options = { encoding: 'utf8' as const, timeout: LIMIT_MS, maxBuffer: MAX_OUTPUT_BYTES, input }
  const { status, stdout, stderr, error } = spawnSync(goTool(ROOT, name), args, options)
  if (error) throw error
  return { status, stdout, stderr }
}

export type Rendered = { text: string; objects: KubernetesObject[] }
const renderedBefore = new Map<string, Rendered>()

/** What the chart makes of a value set. */
export function rendered(set: ValueSet): Rendered {
  const before = renderedBefore.get(set.name)
  if (before !== undefined) return before
  const { status, stdout, stderr } = template(['-f', set.file])
  if (status !== 0) throw new Error(`${set.name}: ${stderr}`)
  const result = { text: stdout, objects: objectsIn(stdout) }
  renderedBefore.set(set.name, result)
  return result
}

export const objectsIn = (text: string): KubernetesObject[] =>
  readYaml(goTool(ROOT, 'helm'), documentsIn(text)) as KubernetesObject[]

export function template(args: string[]): Ran {
  return runTool('helm', ['template', RELEASE, CHART, '--namespace', NAMESPACE, '--kube-version', '1.37.2', ...args])
}
