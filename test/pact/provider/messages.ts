import type { OutgoingMessage } from '../../../src/ports/message-log.ts'
import { forAnyName } from './any-name.ts'
import type { Published } from './published.ts'

type Descriptor = { description: string }
type Made = { __pactMessageMetadata: Record<string, string>; message: unknown }

/**
 * Answers what would be published of what the provider state has done. Which message a consumer means is the end of its
 * description: the CloudEvents `type` of an event, `change` or `mark` (docs/contracts.md).
 */
export function messageHandlers(published: Published) {
  const { topics } = published
  const handler = async ({ description }: Descriptor): Promise<Made> => {
    const name = description.split(' ').at(-1) ?? ''
    const isOfChanges = name === 'change' || name === 'mark'
    const messages = isOfChanges ? await published.changes() : await published.events()
    const message = messages.find(({ value }) => {
      const { kind, type } = JSON.parse(String(value))
      return name === (isOfChanges ? kind : type)
    })
    if (!message) throw new Error(`nothing named ${name} was published`)
    return madeOf(message, isOfChanges ? topics.changes : topics.events)
  }
  return forAnyName(() => handler)
}

function madeOf({ key, value, headers = {} }: OutgoingMessage, topic: string): Made {
  const kafkaHeaders = Object.entries(headers).map(([name, header]) => [`header.${name}`, header])
  return {
    // Pact would take a header `content-type` for how the body is to be compared, and knows JSON by one name only.
    __pactMessageMetadata: {
      ...{ topic, contentType: 'application/json', ...(key === null ? {} : { key }) },
      ...Object.fromEntries(kafkaHeaders),
    },
    message: JSON.parse(String(value)),
  }
}
