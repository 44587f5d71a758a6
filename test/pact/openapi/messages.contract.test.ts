// What consumers write of messages into their contracts, and what we write of Debezium's, is what their schemas say.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import Ajv2020 from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { messageSchemas } from '../../../scripts/event-contracts.ts'
import { CONTRACTS, SERVICE } from '../kept.ts'
import { unknownNames } from './names.ts'

type Message = { type: string; description: string; contents: { content: object } }

const contractIn = (...path: string[]): Message[] =>
  JSON.parse(readFileSync(join(CONTRACTS, ...path), 'utf8')).interactions
const messages = readdirSync(join(CONTRACTS, 'consumers'))
  .flatMap((file) => contractIn('consumers', file))
  .filter(({ type }) => type === 'Asynchronous/Messages')

const ajv = new Ajv2020.default({ strict: false, allErrors: true })
addFormats.default(ajv)
/** By the end of a message's description, which is its name. */
const BY_NAME = new Map(
  [...messageSchemas()].map(([name, schema]) => [
    String(schema.title).startsWith('users-service.') ? schema.title : name,
    schema,
  ]),
)

function messageFaults(name: string, value: object): string[] {
  const schema = BY_NAME.get(name)
  if (!schema) return [`nothing is published as ${name}`]
  const unknown = unknownNames(value, schema).map((one) => `no ${one} is published`)
  const relaxed = JSON.parse(
    JSON.stringify(schema, (key, of) => (key === 'required' ? [] : key === '$id' ? undefined : of)),
  )
  return [...unknown, ...(ajv.validate(relaxed, value) ? [] : [ajv.errorsText()])]
}
const nameOf = ({ description }: Message) => description.split(' ').at(-1) ?? ''

for (const message of messages) {
  test(`${message.description}: as its schema has it`, () =>
    assert.deepEqual(messageFaults(nameOf(message), message.contents.content), []))
}

test('a message that nobody publishes, a field that there is not, and one of another type are found', () => {
  const [message = assert.fail()] = messages.filter((one) => nameOf(one).endsWith('role-granted.v1'))
  const { content: value } = message.contents
  assert.deepEqual(messageFaults('users-service.user-married.v1', value), [
    'nothing is published as users-service.user-married.v1',
  ])
  assert.deepEqual(messageFaults(nameOf(message), { ...value, shoe: 42 }), ['no shoe is published'])
  const { data } = value as { data: object }
  assert.deepEqual(messageFaults(nameOf(message), { ...value, data: { ...data, shoe: 42 } }), [
    'no data.shoe is published',
  ])
  assert.match(String(messageFaults(nameOf(message), { ...value, sequence: 7 })), /sequence must be string/)
})

test('a name that stands elsewhere is found, one level up, down, or in a list', () => {
  const [message = assert.fail()] = messages.filter((one) => nameOf(one).endsWith('role-granted.v1'))
  const { data, ...rest } = message.contents.content as { data: { userId: number }; subject: string }
  const faultsOf = (value: object) => messageFaults(nameOf(message), value)
  assert.deepEqual(faultsOf({ ...rest, data, userId: data.userId }), ['no userId is published'])
  assert.deepEqual(faultsOf({ ...rest, data: { ...data, subject: rest.subject } }), ['no data.subject is published'])
  const [defined = assert.fail()] = [...BY_NAME.keys()].filter((name) => String(name).endsWith('role-defined.v1'))
  const permissions = [{ permission: 'receipt.void', role: 'cashier' }]
  assert.deepEqual(messageFaults(String(defined), { data: { role: { permissions } } }), [
    'no data.role.permissions.role is published',
  ])
})

test('what we take of Debezium is what its schema, which others read, says', () => {
  const schema = messageSchemas().get('debezium-change') ?? assert.fail()
  const consumed = contractIn('pacts', `${SERVICE}-debezium.json`)
  const changes = consumed.filter(({ description }) => description.startsWith('a change'))
  assert.ok(changes.length >= 3)
  const validate = ajv.compile(schema)
  for (const { description, contents } of consumed)
    assert.equal(validate(contents.content), description.startsWith('a change'), description)
})
