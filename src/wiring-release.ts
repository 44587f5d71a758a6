import { readFileSync } from 'node:fs'

/** The release that runs, as the package says. */
export const RELEASE: string = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), { encoding: 'utf8' }),
).version
