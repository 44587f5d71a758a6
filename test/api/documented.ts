import type { Scope } from '../../src/domain/principal.ts'
import type { Method, OpenApi, Operation } from './client.ts'

type Schema = {
  $ref?: string
  type?: string
  description?: string
  properties?: Record<string, Schema>
  oneOf?: Schema[]
  anyOf?: Schema[]
  items?: Schema
  examples?: unknown[]
}
type Documented = Operation & { security?: Record<string, string[]>[] }
type Parameter = { name: string; in: string; required?: boolean; schema: Schema; example?: unknown }

/** One operation of the document, and a request for it that is made of the document alone. */
export type Call = {
  /** As `GET /v1/users/{userId}`. */
  name: string
  operationId: string
  method: Method
  template: string
  url: string
  /** As the document gives an example of it; undefined: none is taken, or none is needed. */
  body: unknown
  mediaType: string | undefined
  /** As its `security` says; null: nobody has to say who they are. */
  scopes: Scope[] | null
  parameters: Parameter[]
  /** Of its body. */
  fields: Record<string, Schema>
}

/** Every operation of the document. */
export function callsOf(document: OpenApi): Call[] {
  return Object.entries(document.paths).flatMap(([template, methods]) =>
    Object.entries(methods).map(([method, operation]) => callOf(document, template, method, operation)),
  )
}

function callOf(document: OpenApi, template: string, method: string, operation: Documented): Call {
  const [[mediaType, content] = [undefined, undefined]] = Object.entries(operation.requestBody?.content ?? {})
  const parameters = (operation.parameters ?? []) as Parameter[]
  const inPath = Object.fromEntries(parameters.filter((one) => one.in === 'path').map((one) => [one.name, one.example]))
  return {
    name: `${method.toUpperCase()} ${template}`,
    operationId: operation.operationId,
    method: method.toUpperCase() as Method,
    template,
    url: template.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(String(inPath[name]))),
    body: content?.example,
    mediaType,
    scopes: operation.security === undefined ? null : scopesIn(operation.security),
    parameters,
    fields: content === undefined ? {} : fieldsOf(resolved(document, content.schema)),
  }
}

/** Of all its forms together, where it has several. */
function fieldsOf({ properties = {}, oneOf = [] }: Schema): Record<string, Schema> {
  return Object.assign({}, properties, ...oneOf.map(fieldsOf))
}

function scopesIn(security: Record<string, string[]>[]): Scope[] {
  return security.flatMap((one) => Object.values(one).flat()) as Scope[]
}

export function resolved(document: OpenApi, schema: Schema): Schema {
  const name = schema.$ref?.split('/').at(-1)
  return name === undefined ? schema : (document.components.schemas[name] as Schema)
}

/** What of a user the document says is shown only with a scope of its own. */
export function personalFields(document: OpenApi): string[] {
  const { properties = {} } = document.components.schemas.User as Schema
  return Object.entries(properties).flatMap(([name, { description }]) =>
    description?.includes('users:pii') ? [name] : [],
  )
}

/** The scopes that a call needs, as it is made: with what it says of a person. */
export function neededBy(document: OpenApi, { scopes, body }: Pick<Call, 'scopes' | 'body'>): Scope[] {
  const personal = personalFields(document)
  const isPersonal = Object.keys((body ?? {}) as object).some((name) => personal.includes(name))
  return [...(scopes ?? []), ...(isPersonal ? (['users:pii'] as const) : [])]
}

/** Commands, by their method (RFC 9110 section 9.2.1). */
export const changes = ({ method }: Pick<Call, 'method'>): boolean => method !== 'GET' && method !== 'HEAD'

/** Every value of a document, whatever it is in. */
export function* everyObject(value: unknown): Generator<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value)) yield value as Record<string, unknown>
  for (const inner of Object.values(value)) yield* everyObject(inner)
}
