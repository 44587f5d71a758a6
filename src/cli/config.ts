import { Command } from 'commander'
import { readConfig } from '../config.ts'
import { settings } from '../settings.ts'

export function configCommand(): Command {
  return new Command('config')
    .description('Print every setting with its default and meaning, and check those that are set')
    .action(() => {
      const texts = settings().map(
        ({ name, fallback, meaning, allowed }) =>
          `${name}=${fallback ?? ''}\n    ${meaning}\n    Allowed: ${allowed}\n\n`,
      )
      process.stdout.write(texts.join(''))
      readConfig()
    })
}
