import { forAnyName } from './any-name.ts'
import type { Followed } from './followed.ts'
import type { Appended, Published } from './published.ts'
import { othersTold } from './whom.ts'

type Descriptor = { description: string }
type Made = { __pactMessageMetadata: Record<string, string>; message: unknown }

/**
 * Answers what would be published of what the provider state has done. Which message a consumer means is the end of its
 * description: the CloudEvents `type` of an event, `change` or `mark` (docs/contracts.md). One about somebody else than whom
 * the state has made is not answered.
 */
export function messageHandlers(published: Published, { given, faults }: Pick<Followed, 'given' | 'faults'>) {
  const handler = async ({ description }: Descriptor): Promise<Made> => {
    const name = description.split(' ').at(-1) ?? ''
    const isOfChanges = name === 'change' || name === 'mark'
    const messages = isOfChanges ? await published.changes() : await published.events()
    const message = messages.find(({ value }) => {
      const { kind, type } = JSON.parse(String(value))
      return name === (isOfChanges ? kind : type)
    })
    if (!message) throw new Error(`nothing named ${name} was published`)
    const others = othersTold(message, given())
    if (others.length > 0) faults.push(`${description}: the message is about ${others.join(', ')}`)
    if (others.length > 0) throw new Error('a message about somebody else')
    return madeOf(message)
  }
  return forAnyName(() => handler)
}

function madeOf({ topic, key, value, headers = {} }: Appended): Made {
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
