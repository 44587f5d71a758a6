import {
  type Evidence,
  type EvidenceStore,
  MAX_PATHS,
  MAX_SAMPLES,
  OTHER_PATHS,
  type Sample,
  type SideEvidence,
} from '../../ports/evidence.ts'
import type { ReadModelRedis } from '../../ports/redis.ts'
import { COMPARISONS } from '../../ports/strangler.ts'
import { lua } from '../lua.ts'
import { evidenceKeys } from './keys.ts'

const ADD = lua(import.meta.url, 'add-2')
const READ = lua(import.meta.url, 'read-2')
/** Since something was added last. */
export const KEPT_S = 7 * 24 * 3_600
/** Many more than there are: what somebody else has written must not make a list of any length. */
export const MAX_BUCKETS = 200
const SIDES = ['legacy', 'native'] as const
const PATHS = { paths: 'mismatch', noise: 'noise' } as const

/** What all replicas have seen of the routes, in Redis. Where Redis is lost it is counted anew. */
export function evidenceStore({ redis, epoch }: { redis: Pick<ReadModelRedis, 'run'>; epoch: string }): EvidenceStore {
  return {
    async add(routeId, since, delta) {
      const { counts, samples } = evidenceKeys(epoch, routeId, since)
      const bounds = [KEPT_S, MAX_PATHS, MAX_SAMPLES, OTHER_PATHS]
      await redis.run(ADD, [counts, samples], [...bounds, ...triplesOf(delta).flat()])
    },
    async read(routeId, since) {
      const { counts, samples } = evidenceKeys(epoch, routeId, since)
      const [fields, texts] = (await redis.run(READ, [counts, samples], [])) as [string[], string[]]
      if (fields.length === 0 && texts.length === 0) return null
      return evidenceOf(since, fieldsOf(fields), texts)
    },
  }
}

type Triple = [what: string, name: string, value: string | number]

function triplesOf(delta: Evidence): Triple[] {
  const counted = SIDES.flatMap((by): [string, number][] => [
    [`${by}:requests`, delta[by].requests],
    [`${by}:failed`, delta[by].failed],
    ...delta[by].buckets.map((count, i): [string, number] => [`${by}:bucket:${i}`, count]),
  ])
  const compared = COMPARISONS.map((outcome): [string, number] => [`compared:${outcome}`, delta.compared[outcome]])
  const adding = [...counted, ...compared].filter(([, count]) => count > 0)
  return [
    ...adding.map(([field, count]): Triple => ['add', field, count]),
    ...(['paths', 'noise'] as const).flatMap((of) =>
      Object.entries(delta[of]).map(([path, count]): Triple => [PATHS[of], path, count]),
    ),
    ...delta.samples.toReversed().map((sample): Triple => ['sample', '', JSON.stringify(sample)]),
  ]
}

type Fields = ReadonlyMap<string, number>

function fieldsOf(flat: string[]): Fields {
  const fields = new Map<string, number>()
  for (let i = 0; i + 1 < flat.length; i += 2) fields.set(flat[i] ?? '', Number(flat[i + 1]))
  return fields
}

function evidenceOf(since: string, fields: Fields, texts: string[]): Evidence {
  const compared = COMPARISONS.map((outcome) => [outcome, fields.get(`compared:${outcome}`) ?? 0])
  return {
    since,
    legacy: sideOf('legacy', fields),
    native: sideOf('native', fields),
    compared: Object.fromEntries(compared) as Evidence['compared'],
    paths: countsUnder(`${PATHS.paths}:`, fields),
    noise: countsUnder(`${PATHS.noise}:`, fields),
    samples: texts.flatMap(sampleIn),
  }
}

function sideOf(by: (typeof SIDES)[number], fields: Fields): SideEvidence {
  const counts = Object.entries(countsUnder(`${by}:bucket:`, fields)).filter(([index]) => Number(index) < MAX_BUCKETS)
  const buckets: number[] = []
  for (const [index, count] of counts) buckets[Number(index)] = count
  return {
    requests: fields.get(`${by}:requests`) ?? 0,
    failed: fields.get(`${by}:failed`) ?? 0,
    buckets: Array.from(buckets, (count) => count ?? 0),
  }
}

function countsUnder(prefix: string, fields: Fields): Record<string, number> {
  const under = [...fields].filter(([field]) => field.startsWith(prefix))
  return Object.fromEntries(under.map(([field, count]) => [field.slice(prefix.length), count]))
}

/** None where somebody else has written: figures are told all the same. */
function sampleIn(text: string): Sample[] {
  try {
    const sample = JSON.parse(text)
    const isOne = typeof sample?.at === 'string' && Array.isArray(sample.differences)
    return isOne ? [sample] : []
  } catch {
    return []
  }
}
