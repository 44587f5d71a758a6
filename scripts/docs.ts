import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { settings } from '../src/settings.ts'
import { eventContracts } from './event-contracts.ts'
import { dashboardPage } from './metrics/dashboard.ts'
import { metricsPage } from './metrics/page.ts'
import { openApiFile } from './openapi.ts'

const DOCS = join(import.meta.dirname, '..', 'docs')
const CONTRACTS = join(import.meta.dirname, '..', 'contracts')
const FILES = join(import.meta.dirname, '..', 'charts', 'users-service', 'files')

export type GeneratedDocument = { path: string; text: string }

/** The documents that are made from code, as they ought to be. The tests compare them with the files. */
export async function generatedDocuments(): Promise<GeneratedDocument[]> {
  return [
    { path: join(DOCS, 'configuration.md'), text: configurationPage() },
    { path: join(DOCS, 'metrics.md'), text: await metricsPage() },
    { path: join(FILES, 'dashboard.json'), text: dashboardPage() },
    ...eventContracts(),
    { path: join(CONTRACTS, 'openapi.json'), text: await openApiFile() },
  ]
}

function configurationPage(): string {
  const rows = settings().map(
    ({ name, fallback, meaning, allowed }) =>
      `| \`${name}\` | ${fallback === null ? '' : `\`${fallback}\``} | ${meaning} | ${allowed} |`,
  )
  return `# Configuration

Every setting is an environment variable; an empty one counts as absent. A wrong value stops the start with the
variable's name and what is allowed. \`users-service config\` prints the same, and checks what is set.

This page is made from \`src/config.ts\` by \`make docs\`.

| variable | default | meaning | allowed |
|---|---|---|---|
${rows.join('\n')}
`
}

if (import.meta.main) {
  for (const { path, text } of await generatedDocuments()) {
    await writeFile(path, text)
    process.stdout.write(`${path}\n`)
  }
}
