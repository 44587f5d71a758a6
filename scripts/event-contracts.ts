import { join } from 'node:path'
import { z } from 'zod'
import {
  CloudEvent,
  dataSchemaName,
  EVENT_DATA,
  EVENT_TYPES,
  type EventType,
  typeName,
} from '../src/adapters/log-feed/event-schemas.ts'
import { ChangeMessage, DebeziumMessage, MarkMessage } from '../src/adapters/log-feed/schemas.ts'
import { asyncApi, type JsonObject, schemaFile } from './event-asyncapi.ts'
import { jsonText } from './json-text.ts'

const FOLDER = join(import.meta.dirname, '..', 'contracts', 'events')

/** By the name of the message: JSON Schema, draft 2020-12, of its value. */
export function messageSchemas(): Map<string, JsonObject> {
  return new Map([
    ['change', { ...schemaOf(ChangeMessage), $id: 'urn:users-service:schema:change:v1' }],
    ['debezium-change', { ...schemaOf(DebeziumMessage), $id: 'urn:users-service:schema:debezium-change:v1' }],
    ['mark', { ...schemaOf(MarkMessage), $id: 'urn:users-service:schema:mark:v1' }],
    ...EVENT_TYPES.map((type) => [type, eventSchema(type)] as const),
  ])
}

/** The whole message; `data` has a name of its own, the one that the message's `dataschema` says. */
function eventSchema(type: EventType): JsonObject {
  const { $schema, properties, required, ...rest } = schemaOf(CloudEvent)
  const { $schema: _, ...data } = schemaOf(EVENT_DATA[type].data)
  return {
    $schema: $schema ?? null,
    $id: `${dataSchemaName(type)}:message`,
    title: typeName(type),
    ...rest,
    properties: {
      ...(properties as JsonObject),
      type: { const: typeName(type) },
      dataschema: { const: dataSchemaName(type) },
      data: { $id: dataSchemaName(type), ...data },
    },
    required: [...(required as string[]), 'data'],
  }
}

/** As a reader takes it (`input`): fields that are added later are allowed. */
function schemaOf(schema: z.ZodType): JsonObject {
  return JSON.parse(JSON.stringify(z.toJSONSchema(schema, { io: 'input' })))
}

export function eventContracts(): { path: string; text: string }[] {
  const schemas = messageSchemas()
  const files = [...schemas].map(([name, schema]) => [schemaFile(name), schema] as const)
  return [...files, ['asyncapi.json', asyncApi(schemas)] as const].map(([name, json]) => ({
    path: join(FOLDER, name),
    text: jsonText(json),
  }))
}
