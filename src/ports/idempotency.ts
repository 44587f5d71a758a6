// Commands that are carried out once, however often they are asked for.

/** What a caller is sent, all but what says something of the moment. */
export type StoredAnswer = { status: number; headers: Record<string, string>; body: string }
export type Idempotency = {
  /** Of the caller and of the key that they chose: nobody is given an answer of somebody else's. 64 characters. */
  key: string
  /** Of what the request was understood as, with method and path. 64 characters. */
  requestHash: string
  /** Pure: what is kept, in the command's own transaction, for whoever shows the key again. At most MAX_STORED_ANSWER_BYTES as JSON. */
  answer(written: { userId: number; version: number }): StoredAnswer
}
export const MAX_STORED_ANSWER_BYTES = 2_000
