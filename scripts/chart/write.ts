import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { withValues } from './readme.ts'
import { settingsSchema } from './settings-schema.ts'

export const CHART = join(import.meta.dirname, '..', '..', 'charts', 'users-service')

/** What of the chart is made from the code and from its own values, as it ought to be. Tests compare it with the files. */
export async function generatedOfChart(): Promise<{ path: string; text: string }[]> {
  const read = (name: string) => readFile(join(CHART, name), 'utf8')
  const schema = JSON.parse(await read('values.schema.json'))
  schema.properties.settings = settingsSchema()
  return [
    { path: join(CHART, 'README.md'), text: withValues(await read('README.md'), await read('values.yaml')) },
    { path: join(CHART, 'values.schema.json'), text: JSON.stringify(schema, null, 2) },
  ]
}

if (import.meta.main) {
  for (const { path, text } of await generatedOfChart()) {
    await writeFile(path, text)
    process.stdout.write(`${path}\n`)
  }
}
