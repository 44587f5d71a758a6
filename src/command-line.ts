import { Command } from 'commander'
import { allCommand } from './cli/all.ts'
import { auditCommand } from './cli/audit.ts'
import { configCommand } from './cli/config.ts'
import { consistencyCommand } from './cli/consistency.ts'
import { parkedCommand } from './cli/parked.ts'
import { rebuildCommand } from './cli/rebuild.ts'
import { replayCommand } from './cli/replay.ts'
import { schemaCommand } from './cli/schema.ts'
import { seedCommand } from './cli/seed-command.ts'
import { serveCommand } from './cli/serve.ts'
import { stranglerCommand } from './cli/strangler.ts'
import { tokenCommand } from './cli/token.ts'
import { topicsCommand } from './cli/topics.ts'
import { workCommand } from './cli/work.ts'
import type { Tracing } from './ports/tracing.ts'

/** Runs the command that the arguments of this process name. Rejects when it does not begin well. */
export async function runCommand(tracing: Tracing | null): Promise<void> {
  const program = new Command('users-service')
    .description('Who is this user, where do they work, and what may they do?')
    .addHelpText('after', '\nSettings come from the environment; `users-service config` explains each.')
    .showHelpAfterError()
    // What stands behind a verb is that verb's: `audit --user` and `audit verify --user` are two.
    .enablePositionalOptions()
  const running = [allCommand, serveCommand, workCommand].map((command) => command(tracing))
  const tools = [
    schemaCommand,
    topicsCommand,
    seedCommand,
    rebuildCommand,
    replayCommand,
    parkedCommand,
    stranglerCommand,
    auditCommand,
    consistencyCommand,
    tokenCommand,
    configCommand,
  ].map((command) => command())
  for (const command of [...running, ...tools]) program.addCommand(command)
  await program.parseAsync()
}
