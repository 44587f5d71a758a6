// From what Kubernetes and its extensions publish to strict JSON schemas, under the names by which kubeconform looks for them:
// `<kind>-<first part of the group>-<version>.json`.

const DEFINITIONS = '_definitions.json'

/** Of the OpenAPI document of Kubernetes: one schema a kind and version, and one file of what they share. */
export function kubernetesSchemas({ definitions }) {
  const strict = Object.fromEntries(Object.entries(definitions).map(([name, schema]) => [name, rewritten(schema)]))
  const kinds = Object.entries(definitions).flatMap(([name, schema]) =>
    (schema['x-kubernetes-group-version-kind'] ?? []).map((kind) => ({
      name: fileName(kind),
      schema: ofKind(strict[name], kind),
    })),
  )
  return [{ name: DEFINITIONS, schema: { definitions: strict } }, ...kinds]
}

/** Of the definition of a custom resource: one schema a version. */
export function customSchemas({ spec }) {
  return spec.versions.map(({ name: version, schema }) => {
    const kind = { group: spec.group, version, kind: spec.names.kind }
    const { properties = {}, ...rest } = schema.openAPIV3Schema
    // Kubernetes itself says what may stand there; a definition says `object`.
    const open = { ...properties, metadata: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
    return { name: fileName(kind), schema: ofKind(rewritten({ ...rest, properties: open }), kind) }
  })
}

const fileName = ({ group, version, kind }) =>
  `${[kind, ...(group ? [group.split('.')[0]] : []), version].join('-').toLowerCase()}.json`

function ofKind(schema, { group, version, kind }) {
  const apiVersion = { type: 'string', enum: [group ? `${group}/${version}` : version] }
  return { ...schema, properties: { ...schema.properties, kind: { type: 'string', enum: [kind] }, apiVersion } }
}

/** Unknown fields are refused, references lead to the shared file, and what need not be there may be null. */
function rewritten(node) {
  if (Array.isArray(node)) return node.map(rewritten)
  if (typeof node !== 'object' || node === null) return node
  if (node.format === 'int-or-string' || node['x-kubernetes-int-or-string'] === true)
    return { type: ['string', 'integer'] }
  const copied = Object.fromEntries(
    Object.entries(node).map(([key, value]) => [key, key === '$ref' ? moved(value) : rewritten(value)]),
  )
  return isObjectSchema(node) ? { ...copied, ...closed(node, copied.properties) } : copied
}

const moved = (reference) =>
  typeof reference === 'string'
    ? `${DEFINITIONS}#/definitions/${reference.slice(reference.lastIndexOf('/') + 1)}`
    : rewritten(reference)

/** A map that happens to have a key `properties` has no `type` beside it that is a word. */
const isObjectSchema = ({ properties, type }) =>
  typeof properties === 'object' && (type === undefined || type === 'object')

function closed({ required = [], ...node }, properties) {
  const optional = Object.entries(properties).map(([name, schema]) => [
    name,
    required.includes(name) ? schema : { anyOf: [schema, { type: 'null' }] },
  ])
  const isOpen = node['x-kubernetes-preserve-unknown-fields'] === true || node.additionalProperties !== undefined
  return { properties: Object.fromEntries(optional), ...(isOpen ? {} : { additionalProperties: false }) }
}
