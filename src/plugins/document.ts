type Schema = { $ref?: string; examples?: unknown[]; [extension: string]: unknown }
type Content = { schema: Schema; example?: unknown }
type Operation = {
  parameters?: { in: string; schema?: Schema; example?: unknown }[]
  responses?: Record<string, { headers?: object }>
  requestBody?: { required?: boolean; content: Record<string, Content> }
}
type Document = {
  paths?: Record<string, Record<string, Operation>>
  components?: { schemas?: Record<string, Schema> }
}

const OPTIONAL = 'x-fastify-zod-openapi-optional'

/**
 * What @fastify/swagger and the transformer leave open: which bodies may be left out, and what the page fills in when a
 * request is tried out, which must succeed on the made-up users.
 */
export function finished<Given extends object>(given: Given): Given {
  const { paths = {}, components } = given as Document
  const firstExample = ({ $ref, examples }: Schema) =>
    ($ref === undefined ? examples : components?.schemas?.[$ref.split('/').at(-1) ?? '']?.examples)?.[0]
  for (const operation of Object.values(paths).flatMap((methods) => Object.values(methods))) {
    for (const parameter of operation.parameters ?? []) {
      // Not those of queries: filled in, every filter would be applied.
      const example = parameter.in === 'path' && parameter.schema ? firstExample(parameter.schema) : undefined
      if (example !== undefined) parameter.example = example
    }
    const { 200: ok, 304: notModified } = operation.responses ?? {}
    // @fastify/swagger forgets the headers of an answer without a body.
    if (ok?.headers && notModified) notModified.headers = ok.headers
    if (operation.requestBody) finishBody(operation.requestBody, firstExample)
  }
  return given
}

function finishBody(body: NonNullable<Operation['requestBody']>, firstExample: (schema: Schema) => unknown): void {
  for (const content of Object.values(body.content)) {
    // @fastify/swagger calls every body required; the transformer marks those that are not.
    if (content.schema[OPTIONAL] === true) body.required = false
    delete content.schema[OPTIONAL]
    const example = firstExample(content.schema)
    if (example !== undefined) content.example = example
  }
}
