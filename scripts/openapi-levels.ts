// How bad oasdiff's checks are here. It calls a change an error, a warning or information by what most services do; this one
// refuses fields and parameters that it does not know, and its consumers read what may be absent, too. What it calls errors
// stays so. `oasdiff checks changelog` has them all; a test finds those that an update adds and that stand in neither list.

/** Of which oasdiff says warning or information, and which break somebody here. */
export const RAISED: { why: string; checks: string[] }[] = [
  {
    why: 'Whoever goes on sending it is refused: nothing that is not known is taken.',
    checks: [
      'request-property-removed',
      'request-parameter-removed',
      'request-optional-property-became-read-only',
      'request-required-property-became-read-only',
    ],
  },
  {
    why: 'What was taken may be refused; oasdiff cannot tell, so somebody has to look.',
    checks: [
      'request-property-pattern-changed',
      'request-parameter-pattern-changed',
      'request-parameter-property-type-changed',
      ...inBodyAndProperty('request', 'prefix-items-added', 'prefix-items-removed'),
      'request-body-wrapped-in-one-of-original-preserved',
    ],
  },
  {
    // A default of null is none to oasdiff: that it becomes another is "added".
    why: 'Whoever leaves it out gets something else than before.',
    checks: [
      ...inBodyAndProperty('request', 'default-value-added', 'default-value-changed', 'default-value-removed'),
      'request-parameter-default-value-added',
      'request-parameter-default-value-changed',
      'request-parameter-default-value-removed',
    ],
  },
  {
    // `email` is absent without a scope, `etag` is in no list of what is required: both are relied on.
    why: 'Optional says that it may be absent, and not that nobody reads it.',
    checks: [
      'response-optional-property-removed',
      'response-optional-property-became-write-only',
      'optional-response-header-removed',
    ],
  },
  {
    why: 'An answer may be what it never was; oasdiff cannot tell, so somebody has to look.',
    checks: [
      'response-property-pattern-changed',
      ...inBodyAndProperty('response', 'prefix-items-added', 'prefix-items-removed'),
      'response-body-wrapped-in-one-of-original-preserved',
    ],
  },
  {
    // "More specific" to oasdiff: application/json becomes application/hal+json.
    why: 'Clients choose how to read a body by its media type.',
    checks: ['response-media-type-name-changed', 'response-media-type-name-specialized'],
  },
  {
    why: 'Who knows 200 only takes 202 for a failure, or misses the body of a 204; as with the values of an enum.',
    checks: ['response-success-status-added'],
  },
  {
    why: 'Another may be in its place, which clients take for another failure: 409 is no 412.',
    checks: ['response-non-success-status-removed'],
  },
  {
    why: 'Readers choose the type by it.',
    checks: inBodyAndProperty(
      'response',
      'discriminator-removed',
      'discriminator-property-name-changed',
      'discriminator-mapping-changed',
      'discriminator-mapping-deleted',
    ),
  },
  {
    why: 'Who gets tokens as the document says gets none any more.',
    checks: [
      'api-security-component-removed',
      'api-security-component-oauth-scope-removed',
      'api-security-component-oauth-url-changed',
      'api-security-component-oauth-token-url-changed',
      'api-security-component-oauth-refresh-url-changed',
      'api-security-component-openid-connect-url-changed',
    ],
  },
]

/** What breaks nobody, as oasdiff has it, though neither a request takes more by it nor an answer says less. */
export const LEFT: { why: string; checks: RegExp }[] = [
  { why: 'More can be asked for.', checks: /^(?:endpoint|webhook)-added$|^request-body-added-optional$/ },
  { why: 'It may be sent, and need not.', checks: /^new-optional-request-/ },
  {
    why: 'Consumers pass over what they do not know.',
    checks: /^response-(?:optional-property|header)-added$/,
  },
  { why: 'Who does not ask for it by Accept does not get it.', checks: /^response-media-type-added$/ },
  { why: 'Failures are told apart by their hundreds.', checks: /^response-non-success-status-added$/ },
  {
    why: 'Of what is asked less.',
    checks: /^api-(?:global-)?security-(?:added|scope-removed|anonymous-access-added)$/,
  },
  { why: 'That it goes was announced by `deprecated`.', checks: /-removed-with-deprecation$/ },
  {
    why: 'An announcement, or its end.',
    checks: /-(?:deprecated|deprecated-with-sunset|reactivated|stability-increased)$/,
  },
  {
    why: 'Names of the document; nothing that is sent has them.',
    checks: /^api-(?:operation-id|tag)-|^api-(?:schema-removed|version-changed)$/,
  },
  {
    why: 'Described, and asked of nobody yet.',
    checks: /^api-security-component-(?:added|oauth-scope-added|oauth-scope-changed|bearer-format-changed)$/,
  },
  { why: 'Words about a schema.', checks: /-annotation-only$/ },
  {
    why: 'Nobody is given a default: answers hold what there is.',
    checks: /^response-(?:body|property)-default-value-/,
  },
  { why: 'What is taken is decided by the schemas.', checks: /^request-(?:body|property)-discriminator-/ },
  {
    why: 'A new type by it is a new schema, which has a check of its own.',
    checks: /^response-(?:body|property)-discriminator-(?:mapping-)?added$/,
  },
  { why: 'Nobody sends what can only be read.', checks: /^request-read-only-property-/ },
  { why: 'Who sends it goes on.', checks: /^request-required-property-became-not-read-only-in-openapi-31$/ },
  {
    why: 'Of requests it says nothing; of answers it is another check.',
    checks: /^request-.*-became-(?:not-)?write-only$/,
  },
  {
    why: 'Of answers it says nothing; of requests it is another check.',
    checks: /^response-.*-became-(?:not-)?read-only$/,
  },
  {
    why: 'Answers hold more.',
    checks: /^response-optional-property-became-not-write-only$|^response-body-schema-became-not-false$/,
  },
  { why: 'No answer has held it.', checks: /^response-(?:(?:optional|required)-)?write-only-property-/ },
]

function inBodyAndProperty(direction: 'request' | 'response', ...what: string[]): string[] {
  return what.flatMap((one) => [`${direction}-body-${one}`, `${direction}-property-${one}`])
}
