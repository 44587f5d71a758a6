import { Command } from 'commander'
import { readConfig, settings } from '../config.ts'

export function configCommand(): Command {
  return new Command('config')
    .description('Print every setting with its default and meaning, and check those that are set')
    .option('--markdown', 'as the table of docs/configuration.md')
    .action(({ markdown }: { markdown?: boolean }) => {
      if (markdown) return void process.stdout.write(settingsTable())
      for (const { name, fallback, meaning, allowed } of settings()) {
        process.stdout.write(`${name}=${fallback ?? ''}\n    ${meaning}\n    Allowed: ${allowed}\n\n`)
      }
      readConfig()
    })
}

/** docs/configuration.md, whole. */
export function settingsTable(): string {
  const rows = settings().map(
    ({ name, fallback, meaning, allowed }) =>
      `| \`${name}\` | ${fallback === null ? '' : `\`${fallback}\``} | ${meaning} | ${allowed} |`,
  )
  return [
    '# Configuration',
    '',
    'Every setting is an environment variable. A wrong value stops the start with the variable’s name and what is allowed.',
    'This page is made from the code by `make docs`; the tests check that it is true.',
    '',
    '| variable | default | meaning | allowed |',
    '|---|---|---|---|',
    ...rows.map((row) => row.replaceAll('\n', ' ')),
    '',
  ].join('\n')
}
