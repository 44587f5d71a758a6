import { Command } from 'commander'
import type { Tracing } from './ports/tracing.ts'

/** In the order of the help. Each with what it alone needs: a worker starts without the HTTP application. */
const COMMANDS: Record<string, (tracing: Tracing | null) => Promise<Command>> = {
  all: async (tracing) => (await import('./cli/all.ts')).allCommand(tracing),
  serve: async (tracing) => (await import('./cli/serve.ts')).serveCommand(tracing),
  work: async (tracing) => (await import('./cli/work.ts')).workCommand(tracing),
  schema: async () => (await import('./cli/schema.ts')).schemaCommand(),
  topics: async () => (await import('./cli/topics.ts')).topicsCommand(),
  seed: async () => (await import('./cli/seed-command.ts')).seedCommand(),
  rebuild: async () => (await import('./cli/rebuild.ts')).rebuildCommand(),
  replay: async () => (await import('./cli/replay.ts')).replayCommand(),
  parked: async () => (await import('./cli/parked.ts')).parkedCommand(),
  strangler: async () => (await import('./cli/strangler.ts')).stranglerCommand(),
  audit: async () => (await import('./cli/audit.ts')).auditCommand(),
  consistency: async () => (await import('./cli/consistency.ts')).consistencyCommand(),
  token: async () => (await import('./cli/token.ts')).tokenCommand(),
  config: async () => (await import('./cli/config.ts')).configCommand(),
}

/** Runs the command that the arguments of this process name. Rejects when it does not begin well. */
export async function runCommand(tracing: Tracing | null): Promise<void> {
  const program = new Command('users-service')
    .description('Who is this user, where do they work, and what may they do?')
    .addHelpText('after', '\nSettings come from the environment; `users-service config` explains each.')
    .showHelpAfterError()
    // What stands behind a verb is that verb's: `audit --user` and `audit verify --user` are two.
    .enablePositionalOptions()
  for (const command of commandsFor(process.argv[2])) program.addCommand(await command(tracing))
  await program.parseAsync()
}

/** The one that is named; all, where help is asked for, or something is wrong that can only be said knowing all. */
function commandsFor(name = '') {
  const named = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  return named ? [named] : Object.values(COMMANDS)
}
