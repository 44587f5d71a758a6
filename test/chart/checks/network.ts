import { isSentinel } from '../../../src/adapters/redis/sentinel-url.ts'
import { type Config, readConfig } from '../../../src/config.ts'
import type { KubernetesObject, Rule, Selector, Workload } from '../objects.ts'
import { componentOf, isOurs, isWorkload, labelsOf, ofKind, podOf, selects } from '../objects.ts'
import { environmentOf } from './environment.ts'

const DNS_PORT = 53

/** Services lead to ports that containers have; each port of a policy is one of the pods that it is for. */
export function lostPorts(objects: KubernetesObject[]): string[] {
  const workloads = objects.filter(isWorkload)
  const portsOf = (workload: Workload) => podOf(workload).containers.flatMap(({ ports = [] }) => ports)
  const hasPort = (workload: Workload, wanted: string | number) =>
    portsOf(workload).some(({ name, containerPort }) => name === wanted || containerPort === wanted)
  const services = ofKind(objects, 'Service').flatMap(({ metadata, spec }) => {
    const behind = workloads.filter((workload) => selects({ matchLabels: spec?.selector as never }, labelsOf(workload)))
    const lost = (spec?.ports ?? []).filter(({ targetPort }) => !behind.every((one) => hasPort(one, targetPort)))
    return lost.map(({ name }) => `Service ${metadata.name}: no port ${name} behind it`)
  })
  const policies = ofKind(objects, 'NetworkPolicy').flatMap(({ metadata, spec }) => {
    const inside = workloads.filter((workload) => selects(spec?.podSelector ?? {}, labelsOf(workload)))
    const wanted = (spec?.ingress ?? []).flatMap(({ ports = [] }) => ports.map(({ port }) => port))
    const lost = wanted.filter((port) => !inside.every((workload) => hasPort(workload, port)))
    return lost.map((port) => `NetworkPolicy ${metadata.name}: no port ${port}`)
  })
  return [...services, ...policies]
}

/** Where there are policies, every pod is denied all first, and may then reach what its settings name. */
export function closedWays(objects: KubernetesObject[]): string[] {
  const policies = ofKind(objects, 'NetworkPolicy')
  if (policies.length === 0) return []
  return objects.filter(isWorkload).flatMap((workload) => {
    const own = policies.filter(({ spec }) => selects(spec?.podSelector ?? {}, labelsOf(workload)))
    const isDenied = own.some(({ spec }) => (spec?.policyTypes ?? []).length === 2 && !spec?.ingress && !spec?.egress)
    const rules = own.flatMap(({ spec }) => spec?.egress ?? [])
    const missing = isOurs(workload) ? needsOf(objects, workload).filter((need) => !isOpen(rules, need, objects)) : []
    return [
      ...(isDenied ? [] : [`${componentOf(workload)}: is not denied all`]),
      ...missing.map(({ what, port }) => `${componentOf(workload)}: cannot reach ${what} at port ${port}`),
      ...groupFaults(objects, workload, rules),
    ]
  })
}

/** A Redis asks nobody; where there are several, they and their Sentinels ask each other, by names, and nobody else. */
function groupFaults(objects: KubernetesObject[], workload: Workload, rules: Rule[]): string[] {
  if (isOurs(workload)) return []
  const env = podOf(workload).containers.flatMap(({ env = [] }) => env)
  const needs = env
    .filter(({ name }) => ['REDIS_PEERS', 'REDIS_SENTINELS'].includes(name))
    .flatMap(({ value = '' }) => addressNeeds(value.split(' ')))
  const isNeeded = ({ to = [] }: Rule) => to.every(({ podSelector }) => redisSelected(podSelector))
  const foreign = rules.filter((rule) => !isDns(rule) && (needs.length === 0 || !rule.to || !isNeeded(rule)))
  return [
    ...needs
      .filter((need) => !isOpen(rules, need, objects))
      .map(({ what, port }) => `${componentOf(workload)}: cannot reach ${what} at port ${port}`),
    ...(foreign.length === 0 && (needs.length > 0 || rules.length === 0)
      ? []
      : [`${componentOf(workload)}: asks others`]),
  ]
}

const isDns = ({ ports = [] }: Rule): boolean => ports.length > 0 && ports.every(({ port }) => port === DNS_PORT)
const redisSelected = (selector: Selector | undefined): boolean =>
  ['redis', 'redis-sentinel'].includes(selector?.matchLabels?.['app.kubernetes.io/component'] ?? '')

type Need = { what: string; port: number; service: string | null }

/** By what the service itself makes of its settings. Files are not looked at here. */
function needsOf(objects: KubernetesObject[], workload: Workload): Need[] {
  const component = componentOf(workload)
  const [container] = podOf(workload).containers
  if (container === undefined) return []
  const environment = environmentOf(objects, container, '')
  const asked = Object.entries(environment).filter(
    ([name]) => !/_FILE$|_MAPPING$|^STRANGLER_MODES$|^KAFKA_SASL$/.test(name),
  )
  const key = 'NEW_RELIC_LICENSE_KEY_FILE' in environment ? { NEW_RELIC_LICENSE_KEY: 'a-key' } : {}
  const config = readConfig({ ...Object.fromEntries(asked), ...key })
  const { database, redis, jobs, kafka, auth, neighbours, legacy, tracing } = config
  const http = [auth.issuer?.jwksUrl, neighbours.branches.url, neighbours.people.url, legacy.url]
  const urls = component === 'api' ? http.flatMap((url) => url ?? []) : []
  const servers = component === 'schema' ? [] : [redis.url, jobs.redisUrl].flatMap((url) => url ?? [])
  const brokers = ['projector', 'relay'].includes(component) ? (kafka?.brokers ?? []) : []
  // What runs for moments reports nothing.
  const collectors = component === 'schema' ? [] : collectorsOf(tracing)
  return [
    { what: 'DNS', port: DNS_PORT, service: null },
    ...(database ? [{ what: 'the database', port: database.port, service: null }] : []),
    ...servers.flatMap((url) => redisNeeds(url)),
    ...brokers.map((broker) => ({ what: broker, port: Number(broker.split(':')[1]), service: null })),
    ...[...urls, ...collectors].map((url) => ({ what: url, port: portOf(new URL(url)), service: null })),
  ]
}

const collectorsOf = (tracing: Config['tracing']): string[] => {
  if (tracing === null) return []
  if (tracing.agent !== 'newrelic') return [tracing.url]
  return [tracing.proxyUrl ?? `https://${tracing.host ?? 'newrelic.example'}:${tracing.port}`]
}
const portOf = ({ port, protocol }: URL): number => Number(port || (protocol === 'https:' ? 443 : 80))

function redisNeeds(url: string): Need[] {
  const addresses = url
    .replace(/^\w+(-\w+)?:\/\//, '')
    .replace(/^.*@/, '')
    .replace(/[/?].*$/, '')
  return addressNeeds(addresses.split(','), isSentinel(url) ? 26379 : 6379)
}

/** A pod's name begins with its Service's: `<pod>.<service>.<namespace>.svc`. */
function addressNeeds(addresses: string[], defaultPort = 6379): Need[] {
  return addresses.map((address) => {
    const { hostname, port } = new URL(`redis://${address}`)
    const parts = hostname.split('.')
    const service = parts.at(-1) === 'svc' ? (parts[1] ?? hostname) : hostname
    return { what: hostname, port: Number(port || defaultPort), service }
  })
}

function isOpen(rules: Rule[], { port, service }: Need, objects: KubernetesObject[]): boolean {
  const selector = ofKind(objects, 'Service').find(({ metadata }) => metadata.name === service)?.spec?.selector
  return rules.some(({ ports = [], to }) => {
    if (!ports.some((one) => one.port === port)) return false
    return !selector || !to || to.some(({ podSelector }) => selects(podSelector ?? {}, selector as never))
  })
}
