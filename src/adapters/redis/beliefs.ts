export type BelievedServers = {
  /** The run id of the master that serves this key, or null while it is not known: no connection, or a new one. */
  runIdOf(key: string): string | null
  learnRunIds(): Promise<void>
  get(key: string): Promise<string | null>
}
/** Whether this is the incarnation that was begun last, by a source that outlives Redis. */
export type Confirm = (incKey: string, incarnation: string) => Promise<boolean>
/** `wasConfirmed`: at some time, though perhaps not on this connection. */
type Belief = { incarnation: string | null; isConfirmed: boolean; wasConfirmed: boolean }

/**
 * What each partition's `inc` was when last seen, and whether it may be believed: it names the server that is talked to,
 * and is the one that was begun last. The second is asked after each connection, because a master that was replaced, and
 * never told, still has its own.
 */
export function incarnationBeliefs(servers: BelievedServers, confirm: Confirm) {
  const beliefs = new Map<string, Belief>()
  const of = (incKey: string): string | null => {
    const belief = beliefs.get(incKey)
    if (!belief?.isConfirmed || !belief.incarnation) return null
    return names(belief.incarnation, servers.runIdOf(incKey)) ? belief.incarnation : null
  }
  const refresh = async (incKey: string): Promise<string | null> => {
    // Learnt with each connection; only what failed then is asked again.
    if (servers.runIdOf(incKey) === null) await servers.learnRunIds()
    const incarnation = await servers.get(incKey)
    const before = beliefs.get(incKey)
    const isSame = before?.incarnation === incarnation
    if (isSame && before?.isConfirmed) return of(incKey)
    const wasConfirmed = isSame && before?.wasConfirmed === true
    beliefs.set(incKey, { incarnation, isConfirmed: false, wasConfirmed })
    if (incarnation === null || !names(incarnation, servers.runIdOf(incKey))) return null
    // While the database can't be asked, what was believed before goes on being believed.
    const isConfirmed = await confirm(incKey, incarnation).catch(() => wasConfirmed)
    if (beliefs.get(incKey)?.incarnation === incarnation)
      beliefs.set(incKey, { incarnation, isConfirmed, wasConfirmed: isConfirmed })
    return of(incKey)
  }
  return {
    of,
    refresh,
    /**
     * Asks once more about what is believed. True: another Redis was begun on since, and this one was replaced without
     * being told; it is not believed any more.
     */
    async isReplaced(incKey: string): Promise<boolean> {
      const believed = of(incKey)
      if (believed === null || (await confirm(incKey, believed).catch(() => true))) return false
      // What is begun here is set here before it is recorded: then it is only that this process has not seen it yet.
      if ((await refresh(incKey)) !== believed) return false
      beliefs.set(incKey, { incarnation: believed, isConfirmed: false, wasConfirmed: false })
      return true
    },
    /** A connection has closed: what it led to may be another server's by the next. */
    doubt(): void {
      for (const belief of beliefs.values()) belief.isConfirmed = false
    },
  }
}

/** An incarnation ends with the run id of the master that it was begun on. */
function names(incarnation: string, runId: string | null): boolean {
  return runId !== null && incarnation.endsWith(`.${runId}`)
}
