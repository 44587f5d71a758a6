#!/usr/bin/env node
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
import { ConfigError } from './config.ts'

const program = new Command('users-service')
  .description('Who is this user, where do they work, and what may they do?')
  .addHelpText('after', '\nSettings come from the environment; `users-service config` explains each.')
  .showHelpAfterError()
  // What stands behind a verb is that verb's: `audit --user` and `audit verify --user` are two.
  .enablePositionalOptions()
const running = [allCommand, serveCommand, workCommand]
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
]
for (const command of [...running, ...tools]) {
  program.addCommand(command())
}

try {
  await program.parseAsync()
} catch (error) {
  // What the person who started it can mend is said in one sentence; anything else is a fault and shows its stack.
  const plain = error instanceof ConfigError || (error as { expected?: boolean }).expected === true
  process.stderr.write(`${plain ? (error as Error).message : ((error as Error).stack ?? String(error))}\n`)
  process.exitCode = 1
}
