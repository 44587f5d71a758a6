const CLOSE_LIMIT_MS = 2_000

type Connectable = { connect(): Promise<void>; disconnect(): Promise<void> }

/** Leaves nothing open when it fails. */
export async function connected<Client extends Connectable>(client: Client): Promise<Client> {
  try {
    await client.connect()
    return client
  } catch (error) {
    await client.disconnect().catch(() => undefined)
    throw error
  }
}

/** What is opened when it is needed, thrown away after a failure, and then opened anew. */
export function reopening<Opened>(open: () => Promise<Opened>, close: (opened: Opened) => Promise<void>) {
  let opened: Promise<Opened> | null = null
  const discard = async (): Promise<void> => {
    const ended = opened?.then(close)
    opened = null
    await within(CLOSE_LIMIT_MS, Promise.resolve(ended)).catch(() => undefined)
  }
  return {
    async use<Result>(limitMs: number, work: (opened: Opened) => Promise<Result>): Promise<Result> {
      opened ??= open()
      const mine = opened
      try {
        return await within(limitMs, mine.then(work))
      } catch (error) {
        if (opened === mine) void discard()
        throw error
      }
    },
    discard,
  }
}

/** `work` goes on behind the caller’s back; what it comes to is not heard. */
export async function within<Result>(limitMs: number, work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Kafka has not answered within ${limitMs} ms`)), limitMs)
  })
  work.catch(() => undefined)
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}
