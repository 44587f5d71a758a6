// Keeps the OpenAPI document of a release, for later ones to be compared with: `npm run openapi:release`, once a release.
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DOCUMENT } from './openapi-breaking.ts'

const ROOT = join(import.meta.dirname, '..')
const { version }: { version: string } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
const kept = join(ROOT, 'contracts', 'releases', version, 'openapi.json')

if (existsSync(kept)) {
  process.stderr.write(`${version} has been released: raise the version in package.json first.\n`)
  process.exitCode = 1
} else {
  mkdirSync(dirname(kept), { recursive: true })
  copyFileSync(DOCUMENT, kept)
  process.stdout.write(`${kept}\n`)
}
