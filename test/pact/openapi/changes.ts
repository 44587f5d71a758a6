import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { compareOpenApi, lastRelease, oasdiffMissing } from '../../../scripts/openapi-breaking.ts'
import { type Change, type Document, PATHS } from './planted.ts'

/** Documents that differ from some paths of the last release's, in a folder that is gone after the tests. */
export function changes() {
  const folder = mkdtempSync(join(tmpdir(), 'users-service-openapi-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  const written = (name: string, document: Document): string => {
    const path = join(folder, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, JSON.stringify(document))
    return path
  }
  const whole: Document = JSON.parse(readFileSync(lastRelease(), 'utf8'))
  const part = { ...whole, paths: Object.fromEntries(PATHS.map((path) => [path, whole.paths[path]])) }
  const before = written('before.json', part)
  const changed = (change: Change, name = 'after.json'): string => {
    const document = structuredClone(part)
    change(document)
    return written(name, document)
  }
  const errorsOf = (change: Change): string[] => {
    const { isBroken, said } = compareOpenApi(before, changed(change))
    assert.equal(isBroken, true)
    return said.filter((line) => line.startsWith('error: '))
  }
  return { before, written, changed, errorsOf }
}

/**
 * Why tests that need oasdiff are left out, each by itself, so that they are counted; false where it is here. With CI set
 * one test fails where it is not.
 */
export function withoutOasdiff(): string | false {
  const missing = oasdiffMissing()
  test('oasdiff is here', { skip: (!process.env.CI && missing) || false }, () => assert.equal(missing, undefined))
  return missing ?? false
}
