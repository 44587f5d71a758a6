import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { settings } from '../src/settings.ts'
import { eventContracts } from './event-contracts.ts'

export type GeneratedDocument = { path: string; text: string }

/** The documents that are made from code, as they ought to be. The tests compare them with the files. */
export function generatedDocuments(): GeneratedDocument[] {
  return [
    { path: join(import.meta.dirname, '..', 'docs', 'configuration.md'), text: configurationPage() },
    ...eventContracts(),
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
  for (const { path, text } of generatedDocuments()) {
    await writeFile(path, text)
    process.stdout.write(`${path}\n`)
  }
}
