import { dataSchemaName, EVENT_DATA, type EventType, typeName } from '../src/adapters/log-feed/event-schemas.ts'
import { FORMAT_VERSION } from '../src/adapters/log-feed/schemas.ts'
import type { OutgoingMessage } from '../src/ports/message-log.ts'
import {
  DEBEZIUM_EXAMPLES,
  EXAMPLE_CHANGE,
  EXAMPLE_MARK,
  EXAMPLE_ROLES_CHANGE,
  exampleEvent,
} from './event-examples.ts'

export type Json = null | boolean | number | string | Json[] | JsonObject
export type JsonObject = { [name: string]: Json }

const OF_CHANGES = ['change', 'debezium-change', 'mark']
const DRAFT = 'application/schema+json;version=draft-2020-12'
const KAFKA_BINDING = '0.5.0'
const PROMISES =
  'At least once: a message may come again, also after later ones. In order for each key. Fields, kinds and types may be added: whoever reads must pass over what they do not know. What changes its meaning gets a new version.'

const PARKED_HEADERS = {
  'parked-reason': 'What is wrong with it. It quotes nothing of the message.',
  'parked-from-topic': 'Where it was.',
  'parked-from-partition': 'A whole number.',
  'parked-from-offset': 'A whole number.',
  'parked-at': 'RFC 3339, by the clock of the process that parked it.',
}

/** Beside the document. */
export function schemaFile(name: string): string {
  const version = Object.hasOwn(EVENT_DATA, name) ? EVENT_DATA[name as EventType].version : FORMAT_VERSION
  return `${name}.v${version}.schema.json`
}

/** The three topics as AsyncAPI 3.0 (https://www.asyncapi.com/docs/reference/specification/v3.0.0). */
export function asyncApi(schemas: Map<string, unknown>): JsonObject {
  const events = [...schemas.keys()].filter((name) => !OF_CHANGES.includes(name)) as EventType[]
  const channels = channelsFor(events)
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Users service: changes and events',
      version: '1.0.0',
      description: `${PROMISES} The topics’ names are a site’s to choose; these are the ones that it gets if it does not.`,
    },
    defaultContentType: 'application/json',
    channels,
    operations: Object.fromEntries(
      Object.keys(channels).map((name) => [
        `publish-${name}`,
        { action: 'send', channel: { $ref: `#/channels/${name}` } },
      ]),
    ),
    components: {
      messages: {
        change: {
          ...message('change', 'Something of a user, or of the roles, has changed', [
            EXAMPLE_CHANGE,
            EXAMPLE_ROLES_CHANGE,
          ]),
          bindings: keyed('The entity’s id: the user’s number, or `*` for the roles.'),
        },
        'debezium-change': {
          ...message('debezium-change', 'The same, where Debezium writes the changes', DEBEZIUM_EXAMPLES),
          bindings: keyed('The row’s, with `change_id`, unless the connector is told otherwise.'),
        },
        mark: message('mark', 'Up to when the changes before it are complete', [EXAMPLE_MARK]),
        parked: parked(),
        ...Object.fromEntries(events.map((type) => [type, eventMessage(type)])),
      },
    },
  }
}

function channelsFor(events: EventType[]): JsonObject {
  return {
    changes: {
      address: 'users.changes',
      title: 'What has changed',
      description:
        'Thin: says that something of a user, or of the roles, has changed, never what it is now. Ask the service for that. Changes keep no order of versions, and several may stand for one. A mark goes to every partition about once a second, without a key: every change that was visible in the database before its `mark` had been appended to the topic before it. Whoever has done all before the marks of all partitions has missed nothing up to the oldest of these, if `stream` is the same in all and the same as before. Another `stream` is another life of the topic (it was deleted, or has lost something): what had not been read is gone, so look at all that changed since your last mark. Of two tokens the higher one is the newer relay’s; heed no mark with a lower one. A mark that stands before the offset in its `at` belongs to a life that is no more. A site may have Debezium write the changes: then these are its envelopes around the rows of `entity_changes`, and there are no marks.',
      messages: refs(OF_CHANGES),
    },
    'changes-parked': {
      address: 'users.changes.parked',
      title: 'Messages that the service did not understand',
      description:
        'For people, not for programs: bytes as they were on the topic of changes, with what is wrong with them in headers.',
      messages: refs(['parked']),
    },
    events: {
      address: 'users.events',
      title: 'What has happened',
      description:
        'Domain events as CloudEvents 1.0 (structured mode, JSON), of what was done through this service only: older programs that write to the database leave changes, but no events. No personal data but the fields that a site has allowed; what was left out is named in `changed`. Drop an `id` that you have seen. For one key, `sequence` rises.',
      messages: refs(events),
    },
  }
}

function message(name: string, title: string, examples: OutgoingMessage[]): JsonObject {
  return {
    name,
    title,
    payload: { schemaFormat: DRAFT, schema: { $ref: `./${schemaFile(name)}` } },
    examples: examples.map(({ headers, value }) => ({
      ...(headers ? { headers } : {}),
      payload: JSON.parse(`${value}`),
    })),
  }
}

function eventMessage(type: EventType): JsonObject {
  return {
    ...message(type, typeName(type), [exampleEvent(type)]),
    description: `The shape of its data: ${dataSchemaName(type)}.`,
    contentType: 'application/cloudevents+json',
    headers: {
      type: 'object',
      required: ['content-type'],
      properties: { 'content-type': { type: 'string', pattern: '^application/cloudevents\\+json' } },
    },
    bindings: keyed('The user’s number, or `role:` and the role’s name; the same as `partitionkey`.'),
  }
}

function parked(): JsonObject {
  const text = (description: string) => ({ type: 'string', description })
  return {
    name: 'parked',
    title: 'A message that was not understood',
    contentType: 'application/octet-stream',
    headers: {
      type: 'object',
      description: 'The message’s own, and these.',
      required: Object.keys(PARKED_HEADERS),
      properties: {
        ...Object.fromEntries(Object.entries(PARKED_HEADERS).map(([name, meaning]) => [name, text(meaning)])),
        'parked-key-base64': text('The key, when it was no text; then the message has none.'),
      },
    },
    payload: { description: 'Whatever it was.' },
    bindings: keyed('As it was.'),
  }
}

function keyed(description: string): JsonObject {
  return { kafka: { key: { type: 'string', description }, bindingVersion: KAFKA_BINDING } }
}

function refs(names: string[]): JsonObject {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/messages/${name}` }]))
}
