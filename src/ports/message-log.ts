// A partitioned log of messages, as Apache Kafka keeps it: what publishes and what consumes know this of it, and no client.

/** `partition`: exactly there; else by the key, always the same one for a key. */
export type OutgoingMessage = {
  key: string | null
  value: string | Buffer
  headers?: Record<string, string>
  partition?: number
}
/** `value` null: a tombstone. */
export type LogRecord = { offset: number; key: Buffer | null; value: Buffer | null; headers: Record<string, string> }

/** Where the first of the messages of this partition came to stand, and how many they are. */
export type Appended = { partition: number; firstOffset: number; count: number }

/** Its errors are outages, all of them: it does not look into what it is given. */
export type MessageWriter = {
  /**
   * Resolves once all in-sync replicas have everything. Rejected, some of it may be there: append all again. In the order
   * given, in each partition.
   */
  append(topic: string, messages: OutgoingMessage[]): Promise<Appended[]>
  close(): Promise<void>
}

/** `first`: the oldest offset that is still there; `end`: the one that the next message will get. */
export type Bounds = { partition: number; first: number; end: number }
/** `offset`: the first that is not done; null: nothing was ever committed. */
export type Committed = { partition: number; offset: number | null; note: string }

export type LogReader = {
  /** Of every partition. Rejects while the topic is not there. */
  bounds(topic: string): Promise<Bounds[]>
  /** Of every partition that something was committed for. */
  committed(topic: string, group: string): Promise<Committed[]>
  close(): Promise<void>
}

/** One member of a consumer group. It comes back by itself from whatever befalls it. */
export type MessageConsumer = {
  /** Once. */
  start(listener: ConsumerListener): Promise<void>
  /** Only for partitions that are this member's now; else it rejects. */
  commit(offsets: { partition: number; offset: number; note: string }[]): Promise<void>
  /** It has no partitions from then on, and begins again from what was committed, with connections of its own: what nobody can explain is ended by that. */
  restart(reason: string): void
  /** Leaves the group. What is in hand has been given up or done before. */
  stop(): Promise<void>
}
export type ConsumerListener = {
  /** These are this member's from now on, from their committed offsets; everything that it had before is not. */
  onAssigned(partitions: number[]): Promise<void>
  /**
   * One at a time for a partition, in its order. The next comes after it has resolved. `alive` must be called now and
   * then while it lasts; it rejects when the partition may be another's, and so must this.
   */
  onRecords(partition: number, records: LogRecord[], alive: () => Promise<void>): Promise<void>
  /** Offsets before this one have been handed over, or never held a record (a transaction's own, for one). */
  onPassed(partition: number, next: number): void
}
