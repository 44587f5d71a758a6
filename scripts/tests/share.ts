// Unit tests, of all files that FILES names, in this one process: run by `node --test --test-isolation=none`, which begins with
// the first test when all are loaded. Given the files themselves, that would go on without the rest of one that throws below
// its first test, say nothing, and end with 0.
import { delimiter, resolve } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'

for (const file of (process.env.FILES ?? '').split(delimiter)) {
  try {
    await import(pathToFileURL(resolve(file)).href)
  } catch (error) {
    test(`${file} can be loaded`, () => Promise.reject(error))
  }
}
