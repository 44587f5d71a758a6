import { Ajv2020, type Options } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { type OpenApi, type Operation, operationOf } from '../../api/client.ts'

type Body = { content: unknown; contentType: string }
type State = { name: string; params?: { scopes?: string[] } }
/** As a contract of Pact's version 4 writes it. */
export type Interaction = {
  type: string
  description: string
  providerStates?: State[]
  request: {
    method: string
    path: string
    query?: Record<string, string[]>
    headers?: Record<string, string[]>
    body?: Body
  }
  response: { status: number; headers?: Record<string, string[]>; body?: Body }
}
type Schema = Record<string, unknown>
type Parameter = { name: string; in: string; required?: boolean; schema: Schema }

const AT_FAULT = 400
/** Who asks is not known, or may not. */
const UNSEEN = [401, 403]
/** Any answer has these, and no operation tells of them. */
const EVERYWHERE = ['content-type', 'cache-control']
/** Any question may show these, and no operation tells of them: what HTTP itself gives sense to, who asks, and its trace. */
const SHOWN_TO_ANY = [
  ...['accept', 'accept-encoding', 'authorization', 'content-type', 'user-agent'],
  ...['x-request-id', 'traceparent', 'tracestate'],
]

/**
 * In what an interaction is not what the OpenAPI document says: of its operation, what is sent, and what is expected of the
 * answer. A consumer names only what it needs: what it leaves out of an answer is no fault, what it adds is. Looked at are
 * the examples, not what its matchers would take besides; and of what is answered 400 not the question.
 */
export function crossChecker(document: OpenApi) {
  const given = ajvWith(document)
  const expected = ajvWith(withoutRequired(document))
  // What travels as text in a path, query or header may mean a number.
  const inText = ajvWith(document, { coerceTypes: true })
  return ({ request, response, providerStates = [] }: Interaction): string[] => {
    const found = operationOf(document, { method: request.method as 'GET', url: request.path })
    if (!found) return [`there is no ${request.method} ${request.path}`]
    const { template, operation } = found
    const at = ['paths', template, request.method.toLowerCase()]
    const answer = operation.responses[response.status]
    const { status } = response
    // What is wrong on purpose.
    const isAtFault = status === AT_FAULT
    return [
      ...(isAtFault ? [] : parameterFaults(operation, request, template)),
      ...(isAtFault || !request.body ? [] : bodyFaults(given, [...at, 'requestBody'], operation.requestBody, request)),
      ...(isAtFault || request.body || !operation.requestBody ? [] : neededFaults(operation)),
      ...(answer === undefined ? [`${response.status} is no answer of it`] : []),
      ...(answer && response.body
        ? bodyFaults(expected, [...at, 'responses', String(response.status)], answer, response)
        : []),
      ...headerFaults(answer?.headers ?? {}, response),
      ...(UNSEEN.includes(status) ? [] : scopeFaults(operation, providerStates)),
    ]
  }

  /** Names of headers are the same in capitals. */
  function headerFaults(described: Record<string, object>, { headers = {} }: Interaction['response']): string[] {
    return Object.entries(headers).flatMap(([name, values]) => {
      const [, found] = Object.entries(described).find(([one]) => one.toLowerCase() === name.toLowerCase()) ?? []
      if (!found) return EVERYWHERE.includes(name.toLowerCase()) ? [] : [`its answer has no header ${name}`]
      const { schema = {} } = found as { schema?: Schema }
      return values
        .filter((value) => !isTextOf(schema, value))
        .map((value) => `${name} of its answer is not to be ${value}`)
    })
  }

  function isTextOf(schema: Schema, value: string): boolean {
    return inText.validate({ type: 'object', properties: { value: absolute(schema) } }, { value })
  }

  function parameterFaults(
    operation: Operation,
    { path, query = {}, headers = {} }: Interaction['request'],
    template: string,
  ): string[] {
    const parameters = (operation.parameters ?? []) as Parameter[]
    const inPath = new RegExp(`^${template.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`).exec(path)?.groups ?? {}
    const sent = [
      ...Object.entries(inPath).map(([name, value]) => ['path', name, value] as const),
      ...textsIn('query', query),
      ...textsIn('header', headers).filter(([, name]) => !SHOWN_TO_ANY.includes(name)),
    ]
    const lacking = parameters.filter(
      ({ name, in: place, required }) => required && !sent.some(([at, other]) => at === place && other === name),
    )
    return [
      ...lacking.map(({ name }) => `the parameter ${name} is needed`),
      ...sent.flatMap(([place, name, value]) => {
        const parameter = parameters.find((one) => one.in === place && one.name === name)
        if (!parameter) return [`it has no parameter ${name} in its ${place}`]
        return isTextOf(parameter.schema, value) ? [] : [`${name} in its ${place} is not to be ${value}`]
      }),
    ]
  }
}

/** Names of headers are the same in capitals. */
function textsIn(place: 'query' | 'header', texts: Record<string, string[]>): [string, string, string][] {
  return Object.entries(texts).flatMap(([name, values]) =>
    values.map((value): [string, string, string] => [place, place === 'header' ? name.toLowerCase() : name, value]),
  )
}

function ajvWith(document: OpenApi, options: Options = {}): Ajv2020 {
  const ajv = new Ajv2020({ strict: false, allErrors: true, ...options })
  addFormats.default(ajv)
  ajv.addSchema(document, 'api')
  return ajv
}

const absolute = (schema: Schema): Schema =>
  JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"api#/components'))

type Sent = Pick<Interaction['request'], 'body' | 'headers'>

/** As its header says, else as Pact has it. */
function mediaTypeOf({ body, headers = {} }: Sent): string {
  const [, [said] = []] = Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-type') ?? []
  return (said ?? body?.contentType ?? '').split(';')[0]?.trim() ?? ''
}

type Described = { content?: Record<string, { schema: object }> } | undefined

function bodyFaults(ajv: Ajv2020, at: string[], described: Described, sent: Sent): string[] {
  const type = mediaTypeOf(sent)
  if (!described?.content?.[type]) return [`${type} is no media type of it`]
  const pointer = [...at, 'content', type, 'schema'].map((part) =>
    encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1')),
  )
  const $ref = `api#/${pointer.join('/')}`
  const validate = ajv.getSchema($ref) ?? ajv.compile({ $ref })
  if (validate(sent.body?.content)) return []
  return (validate.errors ?? []).map(({ instancePath, message, params }) => {
    const { additionalProperty } = params as { additionalProperty?: string }
    return `${instancePath || '/'} ${message}${additionalProperty === undefined ? '' : `: ${additionalProperty}`}`
  })
}

function neededFaults({ requestBody }: Operation): string[] {
  return (requestBody as { required?: boolean }).required === false ? [] : ['it needs a body']
}

function scopeFaults({ security = [] }: Operation, states: State[]): string[] {
  const held = states.flatMap(({ params }) => params?.scopes ?? [])
  const needed = security.flatMap((one) => Object.values(one).flat())
  return needed.filter((scope) => !held.includes(scope)).map((scope) => `it needs the scope ${scope}`)
}

/** A copy in which nothing has to be there. */
function withoutRequired(document: OpenApi): OpenApi {
  return JSON.parse(
    JSON.stringify(document, (name, value) => (name === 'required' && Array.isArray(value) ? [] : value)),
  )
}
