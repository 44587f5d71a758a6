import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { test } from 'node:test'
import { valuesIn, withValues } from '../../scripts/chart/readme.ts'
import { OTHERS_SET_BY_CHART, SET_BY_CHART, settingsSchema } from '../../scripts/chart/settings-schema.ts'
import { CHART, generatedOfChart } from '../../scripts/chart/write.ts'
import { VARIABLES } from '../../src/config.ts'
import { type LegacyDeps, legacyRoutes } from '../../src/legacy/index.ts'
import { OTHERS } from './checks/environment.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const schema = JSON.parse(await readFile(join(CHART, 'values.schema.json'), 'utf8'))
const values = await readFile(join(CHART, 'values.yaml'), 'utf8')

for (const { path, text } of await generatedOfChart()) {
  test(`${relative(ROOT, path)} is what code and values say; if not: make docs-chart`, async () => {
    const there = await readFile(path, 'utf8')
    if (path.endsWith('.json')) assert.deepEqual(JSON.parse(there), JSON.parse(text))
    else assert.equal(there, text)
  })
}

test('a value that has changed makes the README stale', async () => {
  const document = await readFile(join(CHART, 'README.md'), 'utf8')
  assert.notEqual(withValues(document, values.replace('maxReplicas: 6', 'maxReplicas: 7')), document)
  assert.notEqual(withValues(document, values.replace('# Who makes the tokens', '# Who made the tokens')), document)
})

test('a value that says nothing of itself is named', () => {
  assert.throws(() => valuesIn('# of all\n\na:\n  # said\n  b: 1\n  c: 2\n'), /a\.c says nothing of itself/)
  assert.throws(() => valuesIn('# of all\n\n# said\na:\n  - 1\n'), /not in one line: {3}- 1/)
})

test('every value of values.yaml stands in the schema, and every one of the schema in values.yaml', () => {
  const paths = (node: { properties?: Record<string, object>; $ref?: string }, at: string[] = []): string[] => {
    const resolved = node.$ref ? schema.$defs[node.$ref.replace('#/$defs/', '')] : node
    const isFree = resolved.properties === undefined || resolved.required === undefined
    if (isFree || node.$ref === '#/$defs/amounts') return [at.join('.')]
    return Object.entries(resolved.properties as Record<string, object>).flatMap(([key, inner]) =>
      paths(inner, [...at, key]),
    )
  }
  const documented = valuesIn(values).map(({ path }) => path)
  const inSchema = paths(schema).filter((path) => path !== 'global' && path !== '')
  assert.deepEqual(
    inSchema.filter((path) => !documented.includes(path)),
    [],
  )
  const groups = documented.filter((path) => !inSchema.includes(path))
  assert.deepEqual(
    groups.filter((path) => !inSchema.some((one) => one.startsWith(`${path}.`))),
    [],
  )
})

test('nothing in the schema lets an unknown name through', () => {
  const open: string[] = []
  const walk = (node: unknown, at: string): void => {
    if (typeof node !== 'object' || node === null) return
    const { properties, additionalProperties } = node as { properties?: unknown; additionalProperties?: unknown }
    if (typeof properties === 'object' && !at.endsWith('/properties') && additionalProperties !== false) open.push(at)
    for (const [key, inner] of Object.entries(node)) walk(inner, `${at}/${key}`)
  }
  walk(schema, '')
  assert.deepEqual(open, [])
})

test('extraEnv takes no name that the chart sets itself', () => {
  const refused: string[] = schema.properties.extraEnv.items.properties.name.not.enum
  assert.deepEqual([...refused].sort(), [...SET_BY_CHART, ...OTHERS_SET_BY_CHART].sort())
  assert.deepEqual(Object.keys(OTHERS), OTHERS_SET_BY_CHART)
})

test('every setting of the service is the chart’s, or may stand in settings', () => {
  const { properties } = settingsSchema() as { properties: object }
  const left = Object.keys(VARIABLES).filter(
    (name) => !(name in properties) && ![...SET_BY_CHART, ...OTHERS_SET_BY_CHART].includes(name),
  )
  assert.deepEqual(left.sort(), ['DATA_DIR', 'METRICS_HOST', 'PATH'])
})

test('the modes that routes may start with are of routes that are there', () => {
  const ids = legacyRoutes({} as LegacyDeps).map(({ id }) => id)
  assert.deepEqual(Object.keys(schema.properties.legacy.properties.modes.properties).sort(), ids.sort())
})

test('the bundled Redis gives the rights of docs/redis.md, and no other', async () => {
  const document = await readFile(join(ROOT, 'docs', 'redis.md'), 'utf8')
  const rules = [...document.matchAll(/^```\nACL SETUSER users-service\b([^`]*)```$/gm)].map(([, text = '']) => text)
  const documented = rules.join(' ').replace('on ><password>', '').split(/\s+/).filter(Boolean)
  const given = (await readFile(join(CHART, 'files', 'redis-rights.txt'), 'utf8')).split(/\s+/).filter(Boolean)
  assert.deepEqual(given, documented)
})

test('the query by which projectors may be scaled names a metric that there is', async () => {
  const metrics = await readFile(join(ROOT, 'docs', 'metrics.md'), 'utf8')
  const template = await readFile(join(CHART, 'templates', 'keda.yaml'), 'utf8')
  const [, metric] = /"max\((\w+)\{/.exec(template) ?? []
  assert.ok(metric && metrics.includes(`| \`${metric}\` |`), `no metric ${metric}`)
})
