/** Why an index cannot be used now. */
export type IndexFault = keyof typeof DETAILS

/** For whoever searched, whose search only an index can answer. */
const DETAILS = {
  redis: 'Redis, which holds the search index, cannot be read at present.',
  unbuilt: 'The search index is being built; try again.',
  ahead: 'The search index is off: Redis is ahead of the database.',
  feed: 'Changes wait to be handled, and the search index lacks them; try again.',
  dirty: 'Too many users wait to be projected into the search index; try again.',
  damaged: 'The search index holds what is no user, and waits to be mended.',
  lost: 'The search index was lost while it was read; try again.',
}

/** An index of Redis cannot be used; who can do without it, asks the database. */
export class IndexUnusable extends Error {
  readonly fault: IndexFault

  constructor(fault: IndexFault, options?: ErrorOptions) {
    super(DETAILS[fault], options)
    this.name = 'IndexUnusable'
    this.fault = fault
  }
}
