import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { filledIn, healthcheckOf, neededStages, pairsOf, parseDockerfile } from '../../scripts/image/dockerfile.ts'

const FILE = `# syntax=docker/dockerfile:1
ARG BASE=debian:trixie-slim
ARG WITH=0
FROM \${BASE} AS parts-0
FROM \${BASE} AS parts-1
RUN one \\
    # a comment among them
 && two
FROM parts-\${WITH} AS parts
FROM scratch AS unused
FROM \${BASE}
COPY --from=parts --chmod=755 a b /c/
RUN --mount=type=cache,target=/x --mount=type=secret,id=y go
ENV A=1 B="two words" \\
    C=$A
HEALTHCHECK --interval=5s CMD ["node", "x.mjs"]
CMD ["serve"]
`

describe('reading a Dockerfile', () => {
  const file = parseDockerfile(FILE)
  const last = file.stages.at(-1)

  test('stages, and what stands before them', () => {
    assert.deepEqual(file.defaults, { BASE: 'debian:trixie-slim', WITH: '0' })
    assert.deepEqual(
      file.stages.map(({ name, base }) => [name, base]),
      [
        ['parts-0', `\${BASE}`],
        ['parts-1', `\${BASE}`],
        ['parts', `parts-\${WITH}`],
        ['unused', 'scratch'],
        ['4', `\${BASE}`],
      ],
    )
  })

  test('a continued instruction is one, at the line where it begins', () => {
    const [run] = file.stages[1]?.steps ?? []
    assert.deepEqual([run?.kind, run?.line, run?.words], ['RUN', 6, ['one', '&&', 'two']])
  })

  test('flags, the two forms, pairs', () => {
    const [copy, run, env, health, cmd] = last?.steps ?? []
    assert.deepEqual([copy?.flags, copy?.words], [{ from: ['parts'], chmod: ['755'] }, ['a', 'b', '/c/']])
    assert.deepEqual(run?.flags.mount, ['type=cache,target=/x', 'type=secret,id=y'])
    assert.ok(env && health)
    assert.deepEqual(pairsOf(env), { A: '1', B: 'two words', C: '$A' })
    assert.deepEqual(healthcheckOf(health).words, ['node', 'x.mjs'])
    assert.deepEqual([cmd?.form, cmd?.words], ['exec', ['serve']])
    assert.equal(parseDockerfile('FROM x\nCMD serve').stages[0]?.steps[0]?.form, 'shell')
    assert.equal(parseDockerfile("FROM x\nCMD ['serve']").stages[0]?.steps[0]?.form, 'shell', 'that is no JSON')
  })

  test('only what the last stage needs, by the arguments that are given', () => {
    const names = (WITH?: string) => neededStages(file, { WITH }).map(({ name }) => name)
    assert.deepEqual(names('0'), ['parts-0', 'parts', '4'])
    assert.deepEqual(names('1'), ['parts-1', 'parts', '4'])
    assert.deepEqual(neededStages(file, { WITH: '1', BASE: 'mine@sha256:0' })[0]?.base, 'mine@sha256:0')
  })

  test('variables', () => {
    assert.equal(filledIn(`$A-\${B}-\${C:-c}-$D`, { A: 'a', B: 'b' }), 'a-b-c-')
  })

  for (const [what, text, why] of [
    ['an instruction that it does not know', 'FROM x\nONBUILD RUN y', /line 2: ONBUILD/],
    ['a here-document', 'FROM x\nRUN <<EOF\ny\nEOF', /line 2: here-documents/],
    ['something before the first FROM', 'RUN x', /line 1: RUN before/],
    ['a line that goes on after the end', 'FROM x\nRUN y \\', /line 2: it is continued/],
    ['half a name', 'FROM x AS', /line 1: FROM image AS name/],
  ] as const) {
    test(`${what} is refused`, () => assert.throws(() => parseDockerfile(text), why))
  }
})
