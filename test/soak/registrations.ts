import { setTimeout as delay } from 'node:timers/promises'
import type { Dice } from '../../src/jobs/seed/random.ts'
import type { Client } from './client.ts'
import type { CommandDeps } from './commands.ts'

/** Longer than any fault lasts: then it may stay unknown whether they were registered. */
const MAX_ATTEMPTS = 40
const RETRY_MS = 500

/**
 * Registers somebody, again and again with the same idempotency key, at one API or the other, until there is an answer:
 * however often it took, there is one such person.
 */
export async function registerOnce(deps: CommandDeps, clients: Client[], roll: Dice): Promise<void> {
  const { model, knowledge, people, judge, ledger, nextId } = deps
  const number = nextId()
  const username = `soak.${number}`
  const body = {
    username,
    givenName: `Given ${number}`,
    familyName: people.family(roll),
    homeBranchId: people.branch(roll),
  }
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const headers = { 'idempotency-key': `key-${number}`, 'x-request-id': `soak-${nextId()}` }
    const request = { method: 'POST', path: '/v1/users', headers, body }
    const reply = await judge.ask(roll.pick(clients), 'register', request)
    if (reply === null) {
      await delay(RETRY_MS)
      continue
    }
    model.catchUp()
    if (reply.status !== 201) return judge.verdict(reply, `status ${reply.status} to a registration`)
    const { userId, version } = JSON.parse(reply.text) as { userId: number; version: number }
    const { api, receivedAtMs } = reply
    const visible = reply.header('visibility') === null
    knowledge.learn(userId, { version, atMs: receivedAtMs, by: api, visible })
    const user = model.state(userId, version)?.user
    if (user?.username !== username)
      judge.verdict(reply, `acknowledged, but version ${version} is not of ${username}`, userId)
    ledger.registered({ username, userId })
    people.addRegistered(userId)
    return
  }
  ledger.registered({ username, userId: null })
}
