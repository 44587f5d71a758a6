import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { test } from 'node:test'
import { generatedDocuments } from '../scripts/docs.ts'

for (const { path, text } of generatedDocuments()) {
  test(`docs/${basename(path)} is what the code says; if not: make docs`, async () => {
    assert.equal(await readFile(path, 'utf8'), text)
  })
}
