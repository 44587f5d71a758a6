import type { ConsumerListener, LogRecord, MessageConsumer, MessageWriter } from '../../ports/message-log.ts'
import type { Tracing } from '../../ports/tracing.ts'

/** What is published is a piece of work of its own, but for marks, which come each second and say nothing; and says so. */
export function tracedWriter(
  writer: MessageWriter,
  what: string,
  { background, carried }: Pick<Tracing, 'background' | 'carried'>,
): MessageWriter {
  return {
    ...writer,
    append(topic, messages) {
      if (messages.every(({ key }) => key === null)) return writer.append(topic, messages)
      return background({ group: 'relay', name: what, items: messages.length }, () => {
        const context = carried()
        return writer.append(
          topic,
          messages.map((message) => ({ ...message, headers: { ...message.headers, ...context } })),
        )
      })
    },
  }
}

/** What is taken in goes on with what has published it. */
export function tracedConsumer(
  consumer: MessageConsumer,
  topic: string,
  { background }: Pick<Tracing, 'background'>,
): MessageConsumer {
  const traced = (listener: ConsumerListener): ConsumerListener => ({
    ...listener,
    onRecords: (partition, records, alive) =>
      background({ group: 'kafka', name: `consume ${topic}`, items: records.length, from: contextsOf(records) }, () =>
        listener.onRecords(partition, records, alive),
      ),
  })
  return { ...consumer, start: (listener) => consumer.start(traced(listener)) }
}

/** Each once: what was published together has one. */
function contextsOf(records: LogRecord[]) {
  const found = new Map(
    records.flatMap(({ headers: { traceparent, tracestate } }) =>
      traceparent === undefined
        ? []
        : [[traceparent, tracestate === undefined ? { traceparent } : { traceparent, tracestate }]],
    ),
  )
  return [...found.values()]
}
