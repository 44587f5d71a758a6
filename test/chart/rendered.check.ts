import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { schemaFolder } from '../../scripts/setup-kubernetes-schemas.mjs'
import { refusedSettings, unknownVariables } from './checks/environment.ts'
import { closedWays, lostPorts } from './checks/network.ts'
import { largeHeaps, lateEnds, looseImages, softSpots, unsafeRollouts } from './checks/pods.ts'
import { type Answers, deafProbes, startAnswering } from './checks/probes.ts'
import { danglingNames, elsewhere, lostSelectors, missingLabels, openSecrets } from './checks/references.ts'
import { CHART, NAMESPACE, ROOT, rendered, runTool, template, valueSets } from './support.ts'

const CHECKS = {
  unknownVariables,
  refusedSettings,
  lateEnds,
  unsafeRollouts,
  softSpots,
  looseImages,
  largeHeaps,
  missingLabels,
  lostSelectors,
  danglingNames,
  openSecrets,
  lostPorts,
  closedWays,
}
const SCHEMAS = `${schemaFolder(ROOT)}/{{.ResourceKind}}{{.KindSuffix}}.json`

let answers: Answers
before(async () => {
  answers = await startAnswering()
})
after(() => answers.close())

for (const set of valueSets) {
  test(`${set.name}: helm lint has nothing to say`, () => {
    const { status, stdout } = runTool('helm', ['lint', '--strict', '--quiet', CHART, '-f', set.file])
    assert.equal(status, 0, stdout)
  })

  test(`${set.name}: Kubernetes and its extensions know every object, and every field`, () => {
    const { status, stdout, stderr } = runTool(
      'kubeconform',
      ['-strict', '-summary', '-output', 'json', '-schema-location', SCHEMAS],
      rendered(set).text,
    )
    assert.equal(status, 0, stdout + stderr)
    const { summary } = JSON.parse(stdout) as { summary: Record<string, number> }
    assert.equal(summary.valid, rendered(set).objects.length, stdout)
  })

  test(`${set.name}: kube-score has nothing to say`, () => {
    const args = ['score', '--output-format', 'ci', '-']
    const { status, stdout, stderr } = runTool('kube-score', args, rendered(set).text)
    const findings = stdout.split('\n').filter((line) => /^\[(CRITICAL|WARNING)\]/.test(line))
    assert.deepEqual(findings, [])
    assert.equal(status, 0, stderr)
    assert.match(stdout, /^\[OK\]/m)
  })

  for (const [name, check] of Object.entries(CHECKS)) {
    test(`${set.name}: no ${name}`, () => assert.deepEqual(check(rendered(set).objects), []))
  }

  test(`${set.name}: no deafProbes`, async () => assert.deepEqual(await deafProbes(rendered(set).objects, answers), []))

  test(`${set.name}: nothing is elsewhere`, () => assert.deepEqual(elsewhere(rendered(set).objects, NAMESPACE), []))
}

test('what is made is the same each time, but for the password that is made once', () => {
  for (const set of valueSets) {
    const [one, two] = [0, 1].map(() => template(['-f', set.file]).stdout.replace(/^ {2}password: ".*"$/m, ''))
    assert.equal(one, two, set.name)
  }
})
