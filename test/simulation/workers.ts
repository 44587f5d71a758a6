import type { SimulatedProcess, World } from './process.ts'

const BATCH = 2

/**
 * One step of a worker's feed, in the order that the real feed keeps to: the database's time, then the oldest change
 * there is, then the mark; rows are forgotten only once they are handled. True: there was something to do.
 */
export async function feed({ schedule, database }: World, worker: SimulatedProcess): Promise<boolean> {
  const { name, guard, projector, truth } = worker
  const ask = <Reply>(what: string, answer: () => Reply) => schedule.call(name, `feed ${what}`, answer)
  const now = await truth.now()
  const oldest = await ask(
    'oldest',
    () =>
      database
        .rows()
        .map(({ changedAt }) => changedAt)
        .sort()[0] ?? null,
  )
  await guard.writeMark(oldest !== null && oldest < now ? oldest : now).catch(() => undefined)
  const rows = await ask('claim', () => database.claim(name, BATCH))
  if (rows.length === 0) return false
  try {
    await projector.handle(rows)
    await ask('forget', () => database.forget(rows.map(({ changeId }) => changeId)))
  } catch {
    await ask('release', () => database.release(name))
  }
  return true
}

/** What the keeper does every now and then. True: there is nothing to mend, nor to build. */
export async function look(worker: SimulatedProcess): Promise<boolean> {
  try {
    const unbuilt = await worker.guard.check()
    if (unbuilt.length > 0) worker.build(unbuilt)
    return unbuilt.length === 0
  } catch {
    // No connection, or another incarnation meanwhile: the keeper looks again soon.
    return false
  }
}
