// Unit tests, all of these files in this one process. Not `node --test --test-isolation=none`: where a file throws below its
// first test, that goes on without the rest of it, says nothing, and ends with 0.
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

for (const file of process.argv.slice(2)) await import(pathToFileURL(resolve(file)).href)
