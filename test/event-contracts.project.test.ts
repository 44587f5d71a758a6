import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import Ajv from 'ajv'
import Ajv2020 from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { eventContracts, messageSchemas } from '../scripts/event-contracts.ts'
import {
  DEBEZIUM_EXAMPLES,
  EXAMPLE_CHANGE,
  EXAMPLE_MARK,
  EXAMPLE_ROLES_CHANGE,
  exampleEvent,
} from '../scripts/event-examples.ts'
import { EVENT_TYPES, PERSONAL_FIELDS } from '../src/adapters/log-feed/event-schemas.ts'
import { decode } from '../src/adapters/log-feed/messages.ts'
import { PERSONAL_FIELDS as SETTABLE_FIELDS } from '../src/config-feed.ts'
import type { OutgoingMessage } from '../src/ports/message-log.ts'

const FOLDER = join(import.meta.dirname, '..', 'contracts', 'events')
type Message = Record<string, unknown>
const jsonOf = ({ value }: OutgoingMessage): Message => JSON.parse(String(value))
const fileOf = (name: string) => JSON.parse(readFileSync(join(FOLDER, name), 'utf8'))

const ajv = new Ajv2020.default({ strict: true, strictRequired: false, allowUnionTypes: true })
addFormats.default(ajv)
const VALIDATORS = new Map([...messageSchemas()].map(([name, schema]) => [name, ajv.compile(schema)]))

function isValid(name: string, message: unknown): boolean {
  const validate = VALIDATORS.get(name)
  assert.ok(validate, name)
  return validate(message)
}
/** Good messages by schema. */
const GOOD = new Map<string, Message[]>([
  ['change', [jsonOf(EXAMPLE_CHANGE), jsonOf(EXAMPLE_ROLES_CHANGE)]],
  ['debezium-change', DEBEZIUM_EXAMPLES.map(jsonOf)],
  ['mark', [jsonOf(EXAMPLE_MARK)]],
  ...EVENT_TYPES.map((type) => [type, [exampleEvent(type), exampleEvent(type, PERSONAL_FIELDS)].map(jsonOf)] as const),
])

test('each message that is written is valid by its schema, and stays so with fields that are added later', () => {
  assert.deepEqual([...GOOD.keys()], [...VALIDATORS.keys()])
  for (const [name, messages] of GOOD) {
    for (const message of messages) {
      assert.ok(isValid(name, message), `${name}: ${ajv.errorsText(VALIDATORS.get(name)?.errors)}`)
      assert.ok(isValid(name, { ...message, addedlater: 'x' }))
    }
  }
})

test('each schema refuses what lacks a field, and what has one of another type', () => {
  for (const [name, [message]] of GOOD) {
    assert.ok(message)
    if (name === 'debezium-change') continue
    for (const field of Object.keys(message)) {
      const { [field]: _, ...without } = message
      assert.ok(!isValid(name, without), `${name} without ${field}`)
      assert.ok(!isValid(name, { ...message, [field]: true }), `${name} with a wrong ${field}`)
    }
    const data = (message.data ?? {}) as Message
    for (const field of Object.keys(data)) {
      assert.ok(!isValid(name, { ...message, data: { ...data, [field]: true } }), `${name} with a wrong ${field}`)
    }
  }
})

test('the schema of Debezium’s messages refuses what the service does not take for a change', () => {
  const [bare, whole] = DEBEZIUM_EXAMPLES.map(jsonOf)
  assert.ok(bare && whole)
  const after = bare.after as Message
  for (const wrong of [
    { ...bare, op: 'd' },
    { ...bare, op: undefined },
    { ...bare, after: null },
    { ...bare, after: { ...after, entity: 'cat' } },
    { ...bare, after: { ...after, change_id: -1 } },
    { ...bare, source: { table: 'parked_changes' } },
    { ...whole, payload: { ...bare, op: 'u' } },
    { payload: bare },
  ])
    assert.ok(!isValid('debezium-change', wrong), JSON.stringify(wrong))
})

test('each schema refuses the messages of all others', () => {
  for (const name of VALIDATORS.keys()) {
    for (const [other, messages] of GOOD) {
      if (other !== name) for (const message of messages) assert.ok(!isValid(name, message), `${other} as ${name}`)
    }
  }
})

test('what the reader takes as a change or a mark is what their schemas say', () => {
  for (const message of [EXAMPLE_CHANGE, EXAMPLE_ROLES_CHANGE, EXAMPLE_MARK]) {
    const { kind } = decode({ value: Buffer.from(message.value) })
    assert.ok(isValid(kind, jsonOf(message)), kind)
  }
})

test('Debezium’s examples are read as what their names say', () => {
  const names = readdirSync(join(FOLDER, 'examples'))
  assert.ok(names.length >= 4)
  for (const name of names) {
    const { kind } = decode({ value: readFileSync(join(FOLDER, 'examples', name)) })
    assert.equal(kind, /insert|snapshot/.test(name) ? 'change' : 'nothing', name)
  }
})

test('there is no schema file of a message that is no more', () => {
  const made = eventContracts().map(({ path }) => basename(path))
  const there = readdirSync(FOLDER).filter((name) => name.endsWith('.json'))
  assert.deepEqual(there.sort(), made.sort())
})

const require = createRequire(import.meta.url)
/** AsyncAPI's own schema of its documents, in draft 7; it says formats that it defines nowhere. */
function asyncApiFaults(document: unknown): string {
  const own = new Ajv.default({ strict: false, validateFormats: false, allErrors: false })
  const validate = own.compile(require('@asyncapi/specs/schemas/3.0.0-without-$id.json'))
  return validate(document) ? '' : own.errorsText(validate.errors)
}

test('the AsyncAPI document is one by AsyncAPI’s own schema, which can refuse', () => {
  const document = fileOf('asyncapi.json')
  assert.equal(asyncApiFaults(document), '')
  assert.notEqual(asyncApiFaults({ ...document, asyncapi: '2.6.0' }), '')
  assert.notEqual(asyncApiFaults({ ...document, channels: { changes: { adress: 'users.changes' } } }), '')
  const { change } = document.components.messages
  const spoilt = { ...document, components: { messages: { change: { ...change, examples: [{}] } } } }
  assert.notEqual(asyncApiFaults(spoilt), '')
})

test('what the AsyncAPI document refers to is there, and its examples are valid', () => {
  const document = fileOf('asyncapi.json')
  const { messages } = document.components
  for (const [name, message] of Object.entries<Message>(messages)) {
    if (name === 'parked') continue
    const { schema } = message.payload as { schema: { $ref: string } }
    assert.deepEqual(fileOf(schema.$ref), messageSchemas().get(name), name)
    const examples = message.examples as { payload: unknown }[]
    assert.ok(examples.length > 0)
    for (const { payload } of examples) assert.ok(isValid(name, payload), name)
  }
  const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = '']) => path)
  assert.ok(refs.length > 20)
  for (const path of refs) {
    const found = path.split('/').reduce((json, part) => json?.[part], document)
    assert.ok(found, path)
  }
  const addresses = Object.values<Message>(document.channels).map(({ address }) => address)
  assert.deepEqual(addresses, ['users.changes', 'users.changes.parked', 'users.events'])
  const spoken = Object.values<Message>(document.channels).flatMap(({ messages: refs }) => Object.keys(refs as object))
  assert.deepEqual(spoken.sort(), Object.keys(messages).sort(), 'each message has its channel')
})

test('the setting allows the personal fields that events know, and no others', () => {
  assert.deepEqual(SETTABLE_FIELDS, [...PERSONAL_FIELDS])
})
