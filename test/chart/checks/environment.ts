import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { readConfig, VARIABLES } from '../../../src/config.ts'
import { requireIssuer } from '../../../src/config-auth.ts'
import type { Container, KubernetesObject, Workload } from '../objects.ts'
import { componentOf, isOurs, isWorkload, podOf } from '../objects.ts'

/** What containers are told besides the settings of src/config.ts: by whom each is read. */
export const OTHERS: Record<string, string> = {
  NODE_OPTIONS: 'Node',
  NODE_EXTRA_CA_CERTS: 'Node',
  REDIS_PASSWORD: 'Kubernetes, which puts it into REDIS_URL',
}
const SECRET = 'opensesame'
/** With the password that stands for every secret. */
const SECRET_URL = `redis://users-service:${SECRET}@redis.example:6379`
/** What a site adds by `extraEnv` in the value sets: read by others. */
const SITES = ['TZ', 'DB2_SECRET']

/** Settings of a name that nobody reads, or that stand there twice. */
export function unknownVariables(objects: KubernetesObject[]): string[] {
  return ours(objects).flatMap(({ workload, container }) => {
    const names = [...Object.keys(fromConfigMaps(objects, container)), ...(container.env ?? []).map(({ name }) => name)]
    const unknown = names.filter((name) => !(name in VARIABLES) && !(name in OTHERS) && !SITES.includes(name))
    const twice = names.filter((name, index) => names.indexOf(name) !== index)
    return [
      ...unknown.map((name) => `${componentOf(workload)}: ${name} is nobody's`),
      ...twice.map((name) => `${componentOf(workload)}: ${name} stands there twice`),
    ]
  })
}

/** What the service itself says to what it is told, with the files that are mounted. */
export function refusedSettings(objects: KubernetesObject[]): string[] {
  return ours(objects).flatMap(({ workload, container }) => {
    const folder = mkdtempSync(join(tmpdir(), 'chart-files-'))
    try {
      writeFiles(objects, workload, folder)
      const environment = environmentOf(objects, container, folder)
      const config = readConfig(environment)
      if (componentOf(workload) === 'api') requireIssuer(config)
      const isRedisNeeded = ['api', 'projector', 'jobs'].includes(componentOf(workload))
      return isRedisNeeded && config.redis.url === null ? [`${componentOf(workload)}: REDIS_URL is missing`] : []
    } catch (error) {
      return [`${componentOf(workload)}: ${(error as Error).message}`]
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
}

function ours(objects: KubernetesObject[]): { workload: Workload; container: Container }[] {
  const workloads = objects.filter(isWorkload).filter(isOurs)
  return workloads.flatMap((workload) => podOf(workload).containers.map((container) => ({ workload, container })))
}

function fromConfigMaps(objects: KubernetesObject[], { envFrom = [] }: Container): Record<string, string> {
  const names = envFrom.map(({ configMapRef }) => configMapRef?.name)
  const maps = objects.filter(({ kind, metadata }) => kind === 'ConfigMap' && names.includes(metadata.name))
  return Object.assign({}, ...maps.map(({ data }) => data))
}

/** As the process has it; paths of mounted files lead into `folder`. */
export function environmentOf(
  objects: KubernetesObject[],
  container: Container,
  folder: string,
): Record<string, string> {
  const environment: Record<string, string> = { ...fromConfigMaps(objects, container) }
  for (const { name, value, valueFrom } of container.env ?? []) {
    environment[name] = valueFrom ? secretOf(name) : expanded(value ?? '', environment)
  }
  const mounted = (container.volumeMounts ?? []).map(({ mountPath }) => mountPath).filter((path) => path !== '/tmp')
  const moved = (text: string) => mounted.reduce((now, path) => now.replaceAll(`${path}/`, `${folder}${path}/`), text)
  return Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, moved(value)]))
}

/** As its variable wants it. */
function secretOf(name: string): string {
  if (/headers$/i.test(name)) return `authorization=${SECRET}`
  return name.endsWith('_URL') ? SECRET_URL : SECRET
}

/** `$(NAME)`, of what stands before; as it is where there is nothing of that name, as Kubernetes does it. */
const expanded = (value: string, known: Record<string, string>): string =>
  value.replace(/\$\((\w+)\)/g, (whole, name: string) => known[name] ?? whole)

export function writeFiles(objects: KubernetesObject[], workload: Workload, folder: string): void {
  const { volumes = [], containers } = podOf(workload)
  for (const { name, mountPath } of containers.flatMap(({ volumeMounts = [] }) => volumeMounts)) {
    const volume = volumes.find((one) => one.name === name)
    const map = objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === volume?.configMap?.name)
    for (const [file, text] of Object.entries(map?.data ?? {})) write(join(folder, mountPath, file), text)
    const items = (volume?.projected?.sources ?? []).flatMap(({ secret }) => secret?.items ?? [])
    for (const { path } of items) write(join(folder, mountPath, path), secretOf(path))
  }
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}
