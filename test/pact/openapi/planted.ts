// Changes of the OpenAPI document, and what is to be said of them.

// biome-ignore lint/suspicious/noExplicitAny: a document of which each case changes another part.
export type Document = any
export type Change = (document: Document) => void
type Case = [what: string, change: Change, said: RegExp]

const schemas = (document: Document) => document.components.schemas
const parameter = (document: Document, [method = '', path = '']: string[], name: string) =>
  document.paths[path][method].parameters.find((one: { name: string }) => one.name === name)
const LIST = ['get', '/v1/users']
/** Of the document, where all that is changed here lies: the whole takes oasdiff four times as long. */
export const PATHS = [
  '/v1/users',
  '/v1/users/{userId}',
  '/v1/users/{userId}/profile',
  '/v1/users/{userId}/limits/{limit}',
  '/v1/users/by-username/{username}',
  '/v1/roles/{role}',
  '/v1/roles',
  '/health/live',
]
const answer = (document: Document) => document.paths['/v1/users/{userId}'].get.responses[200]
const noLongerRequired = (schema: Document, name: string) => {
  schema.required = schema.required.filter((one: string) => one !== name)
}
/** Each schema within, with `name` in it. */
function everyWith(name: string, within: Document, change: (schema: Document) => void): void {
  if (typeof within !== 'object' || within === null) return
  if (name in within) change(within)
  for (const inner of Object.values(within)) everyWith(name, inner, change)
}

/** Which oasdiff takes for breaking by itself. */
export const BREAKING: Case[] = [
  ['a path is gone', ({ paths }) => delete paths['/v1/roles/{role}'], /^error: GET \/v1\/roles\/\{role\} .*removed/m],
  [
    'a method is gone',
    ({ paths }) => delete paths['/v1/roles/{role}'].delete,
    /^error: DELETE \/v1\/roles\/\{role\} /m,
  ],
  [
    'a field of an answer is gone',
    (document) => {
      delete schemas(document).User.properties.jobTitle
      noLongerRequired(schemas(document).User, 'jobTitle')
    },
    /^error: GET \/v1\/users\/\{userId\} removed the required property `jobTitle`/m,
  ],
  [
    'a field of an answer may be missing',
    (document) => noLongerRequired(schemas(document).User, 'jobTitle'),
    /^error: GET \/v1\/users\/\{userId\} .*`jobTitle` became optional/m,
  ],
  [
    'a field of an answer has another type',
    (document) => Object.assign(schemas(document).User.properties, { version: { type: 'string' } }),
    /^error: GET \/v1\/users\/\{userId\} .*`version`.* changed from `integer` to `string`/m,
  ],
  [
    'a field of an answer has more types',
    (document) => Object.assign(schemas(document).User.properties, { version: { type: 'number' } }),
    /^error: GET \/v1\/users\/\{userId\} .*`version`.* widened from `integer` to `number`/m,
  ],
  [
    'a field of an answer may be null',
    (document) => Object.assign(schemas(document).User.properties.version, { type: ['integer', 'null'] }),
    /^error: GET \/v1\/users\/\{userId\} .*`version` became nullable/m,
  ],
  [
    'a field of an answer has no format any more',
    (document) => everyWith('format', schemas(document).User, (schema) => delete schema.format),
    /^error: GET \/v1\/users\/\{userId\} .*`createdAt`.*`format` changed from `date-time` to `none`/m,
  ],
  [
    'a field of an answer has other bounds',
    (document) => delete schemas(document).User.properties.userId.maximum,
    /^error: GET \/v1\/users\/\{userId\} .*`userId`.*max was unset/m,
  ],
  [
    'an answer may say what it never said',
    (document) => schemas(document).User.properties.status.enum.push('away'),
    /^error: GET \/v1\/users\/\{userId\} added the new `away` enum value/m,
  ],
  [
    'a header of an answer has another type',
    (document) => Object.assign(answer(document).headers['read-age'], { schema: { type: 'string' } }),
    /^error: GET \/v1\/users\/\{userId\} .*`read-age`.*changed from `integer` to `string`/m,
  ],
  [
    'an answer has another media type',
    (document) => {
      const { content } = answer(document)
      content['text/csv'] = content['application/json']
      delete content['application/json']
    },
    /^error: GET \/v1\/users\/\{userId\} removed the media type `application\/json`/m,
  ],
  [
    'a request needs a field more',
    (document) => {
      schemas(document).Registration.properties.shoeSize = { type: 'integer' }
      schemas(document).Registration.required.push('shoeSize')
    },
    /^error: POST \/v1\/users added the new required request property `shoeSize`/m,
  ],
  [
    'a request needs a field that it could do without',
    (document) => schemas(document).Registration.required.push('phone'),
    /^error: POST \/v1\/users the request property `phone` became required/m,
  ],
  [
    'a request needs a parameter more',
    ({ paths }) => paths['/v1/users'].get.parameters.push({ name: 'shop', in: 'query', required: true, schema: {} }),
    /^error: GET \/v1\/users added the new required `query` request parameter `shop`/m,
  ],
  [
    'a parameter takes fewer values',
    (document) => parameter(document, LIST, 'status').schema.enum.pop(),
    /^error: GET \/v1\/users removed the enum value `terminated`/m,
  ],
  [
    'a parameter takes less',
    (document) => Object.assign(parameter(document, LIST, 'limit').schema, { minimum: 10, maximum: 100 }),
    /^error: GET \/v1\/users .*`limit`, the max was decreased/m,
  ],
  [
    'a field of a request takes less',
    (document) => Object.assign(schemas(document).LimitSetting.properties.value, { maximum: 5 }),
    /^error: PUT \/v1\/users\/\{userId\}\/limits\/\{limit\} .*`value`.* max was decreased/m,
  ],
  [
    'a field of a request takes shorter ones',
    (document) => Object.assign(schemas(document).Registration.properties.username, { maxLength: 10 }),
    /^error: POST \/v1\/users .*`username`.*maxLength was set to `10`/m,
  ],
  [
    'a field of a request takes fewer of them',
    (document) => everyWith('maxItems', schemas(document).RoleDefinition, (schema) => (schema.maxItems = 5)),
    /^error: PUT \/v1\/roles\/\{role\} .*`permissions`.*maxItems was decreased to `5`/m,
  ],
  [
    'a field of a request takes no null any more',
    (document) => schemas(document).Registration.properties.phone.anyOf.pop(),
    /^error: POST \/v1\/users .*`phone` list-of-types was narrowed by removing types `null`/m,
  ],
  [
    'a body has a media type less',
    ({ paths }) => delete paths['/v1/users/{userId}'].patch.requestBody.content['application/json'],
    /^error: PATCH \/v1\/users\/\{userId\} removed the media type `application\/json`/m,
  ],
  [
    'another scope is needed',
    ({ paths }) => Object.assign(paths['/v1/users'].post, { security: [{ token: ['operate'] }] }),
    /^error: POST \/v1\/users .*scope `operate` was added/m,
  ],
  [
    'a token is needed where none was',
    ({ paths }) => Object.assign(paths['/health/live'].get, { security: [{ token: [] }] }),
    /^error: GET \/health\/live .*no longer allows anonymous access/m,
  ],
  [
    'a success has another status',
    ({ paths }) => delete paths['/v1/users'].post.responses[201],
    /^error: POST \/v1\/users removed the success response with the status `201`/m,
  ],
]

/** Of which oasdiff by itself says no more than a warning, and mostly nothing. */
export const RAISED_HERE: Case[] = [
  [
    'a field of a request is gone',
    (document) => delete schemas(document).Registration.properties.phone,
    /^error: POST \/v1\/users removed the request property `phone` \[request-property-removed\]$/m,
  ],
  [
    'parameters are gone',
    ({ paths }) => delete paths['/v1/users'].get.parameters,
    /^error: GET \/v1\/users deleted the `query` request parameter `branchId`/m,
  ],
  [
    'a header of a request is gone',
    ({ paths }) => {
      const operation = paths['/v1/users/{userId}'].patch
      operation.parameters = operation.parameters.filter(({ name }: { name: string }) => name !== 'if-match')
    },
    /^error: PATCH \/v1\/users\/\{userId\} deleted the `header` request parameter `if-match`/m,
  ],
  [
    'a field of a request can be read only',
    (document) => Object.assign(schemas(document).Registration.properties.phone, { readOnly: true }),
    /^error: POST \/v1\/users .*`phone` became read-only/m,
  ],
  [
    'a needed field of a request can be read only',
    (document) => Object.assign(schemas(document).Registration.properties.username, { readOnly: true }),
    /^error: POST \/v1\/users .*`username` became read-only/m,
  ],
  [
    'a field of a request has another pattern',
    (document) => Object.assign(schemas(document).Registration.properties.username, { pattern: '^[a-z]$' }),
    /^error: POST \/v1\/users changed the pattern of the request property `username`/m,
  ],
  [
    'a field of a request that may be null has another pattern',
    (document) => Object.assign(schemas(document).Registration.properties.phone.anyOf[0], { pattern: '^1$' }),
    /^error: POST \/v1\/users changed the pattern of the request property `phone/m,
  ],
  [
    'a parameter of a path has another pattern',
    (document) => {
      const { schema } = parameter(document, ['get', '/v1/users/by-username/{username}'], 'username')
      Object.assign(schema, { pattern: '^x$' })
    },
    /^error: GET \/v1\/users\/by-username\/\{username\} changed the pattern of the `path` request parameter `username`/m,
  ],
  [
    'a body is one of several',
    ({ paths }) => {
      const body = paths['/v1/users'].post.requestBody.content['application/json']
      body.schema = { oneOf: [body.schema, { type: 'object', properties: { shoeSize: { type: 'integer' } } }] }
    },
    /^error: POST \/v1\/users the request body was restructured into a oneOf/m,
  ],
  [
    'a parameter is another one when it is left out',
    (document) => Object.assign(parameter(document, LIST, 'limit').schema, { default: 20 }),
    /^error: GET \/v1\/users .*`limit`, default value was changed from `50.00` to `20.00`/m,
  ],
  [
    'a parameter is nothing when it is left out',
    (document) => delete parameter(document, LIST, 'limit').schema.default,
    /^error: GET \/v1\/users .*`limit`, default value `50.00` was removed/m,
  ],
  [
    'a field of a request is something when it is left out',
    (document) => Object.assign(schemas(document).Registration.properties.phone, { default: '+48 22 555 01 00' }),
    /^error: POST \/v1\/users .*`phone` request property default value .* was added/m,
  ],
  [
    'a field of an answer that may be absent is gone',
    (document) => delete schemas(document).User.properties.email,
    /^error: GET \/v1\/users\/\{userId\} removed the optional property `email`/m,
  ],
  [
    'a part of an answer that may be absent is gone',
    (document) => delete schemas(document).Profile.properties.employment,
    /^error: GET \/v1\/users\/\{userId\}\/profile removed the optional property `employment`/m,
  ],
  [
    'a field of an answer can be written only',
    (document) => Object.assign(schemas(document).User.properties.email, { writeOnly: true }),
    /^error: GET \/v1\/users\/\{userId\} .*`email` became write-only/m,
  ],
  [
    'a field of an answer has another pattern',
    (document) => everyWith('pattern', schemas(document).Employment, (schema) => (schema.pattern = '^.')),
    /^error: GET \/v1\/users\/\{userId\}\/profile .*pattern.* was changed/m,
  ],
  [
    'a header of an answer is gone',
    (document) => delete answer(document).headers.etag,
    /^error: GET \/v1\/users\/\{userId\} the optional response header `etag` removed/m,
  ],
  [
    'an answer has a media type of the same kind',
    (document) => {
      const { content } = answer(document)
      content['application/hal+json'] = content['application/json']
      delete content['application/json']
    },
    /^error: GET \/v1\/users\/\{userId\} media type `application\/json` was changed/m,
  ],
  [
    'a success may have another status',
    ({ paths }) => Object.assign(paths['/v1/users'].post.responses, { 204: { description: 'Done.' } }),
    /^error: POST \/v1\/users added the success response with the status `204`/m,
  ],
  [
    'a failure has another status',
    ({ paths }) => {
      const { 404: unknown, ...others } = paths['/v1/users/{userId}'].get.responses
      paths['/v1/users/{userId}'].get.responses = { ...others, 410: unknown }
    },
    /^error: GET \/v1\/users\/\{userId\} removed the non-success response with the status `404`/m,
  ],
  [
    'how a token is shown is not said',
    ({ components }) => delete components.securitySchemes.token,
    /^error: components\S* the component security scheme `token` was removed/m,
  ],
]

export const HARMLESS: [what: string, change: Change][] = [
  ['another path', ({ paths }) => Object.assign(paths, { '/v1/shoes': paths['/v1/roles'] })],
  [
    'a field more in an answer',
    (document) => Object.assign(schemas(document).User.properties, { shoeSize: { type: 'integer' } }),
  ],
  ['a header more in an answer', (document) => Object.assign(answer(document).headers, { shoe: { schema: {} } })],
  [
    'a field that a request may have',
    (document) => Object.assign(schemas(document).Registration.properties, { shoeSize: { type: 'integer' } }),
  ],
  [
    'a parameter that a request may have',
    ({ paths }) => paths['/v1/users'].get.parameters.push({ name: 'shop', in: 'query', schema: { type: 'string' } }),
  ],
  [
    'a parameter that takes more',
    (document) => Object.assign(parameter(document, LIST, 'limit').schema, { maximum: 500 }),
  ],
  [
    'a field of a request that takes more',
    (document) => delete schemas(document).Registration.properties.username.pattern,
  ],
  [
    'an answer that says less',
    (document) => Object.assign(schemas(document).User.properties.status, { enum: ['active', 'suspended'] }),
  ],
  [
    'another failure',
    ({ paths }) => Object.assign(paths['/v1/users'].get.responses, { 410: { description: 'Gone.' } }),
  ],
  ['a scope less', ({ paths }) => Object.assign(paths['/v1/users'].post, { security: [{ token: [] }] })],
  [
    'other words',
    (document) => {
      schemas(document).User.properties.status.description = 'Where they stand.'
      document.paths['/v1/users'].get.description = 'Who there is.'
    },
  ],
  [
    'an announcement',
    (document) =>
      Object.assign(schemas(document).User.properties.email, { deprecated: true, 'x-sunset': '2126-01-01' }),
  ],
]

type Announced = [what: string, announce: (deprecated: object) => Change, remove: Change]
/** What the last release says that it goes, by `deprecated`. */
export const ANNOUNCED: Announced[] = [
  [
    'a field of a request',
    (deprecated) => (document) => Object.assign(schemas(document).Registration.properties.phone, deprecated),
    (document) => delete schemas(document).Registration.properties.phone,
  ],
  [
    'a parameter',
    (deprecated) => (document) => Object.assign(parameter(document, LIST, 'q'), deprecated),
    ({ paths }) => {
      const operation = paths['/v1/users'].get
      operation.parameters = operation.parameters.filter(({ name }: { name: string }) => name !== 'q')
    },
  ],
  [
    'a field of an answer',
    (deprecated) => (document) => Object.assign(schemas(document).User.properties.jobTitle, deprecated),
    (document) => {
      delete schemas(document).User.properties.jobTitle
      noLongerRequired(schemas(document).User, 'jobTitle')
    },
  ],
  [
    'a field of an answer that may be absent',
    (deprecated) => (document) => Object.assign(schemas(document).User.properties.email, deprecated),
    (document) => delete schemas(document).User.properties.email,
  ],
  [
    'a header of an answer',
    (deprecated) => (document) => Object.assign(answer(document).headers.etag, deprecated),
    (document) => delete answer(document).headers.etag,
  ],
]
