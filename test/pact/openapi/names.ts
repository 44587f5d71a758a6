type Schema = {
  properties?: Record<string, Schema>
  items?: Schema
  anyOf?: Schema[]
  oneOf?: Schema[]
  $ref?: string
}

/**
 * Which names of a message its schema does not know in their places, as `data.shoe`; of lists without the index. Schemas of
 * messages let fields be added, so that a consumer names one that there is not yet is no fault to a validator.
 */
export function unknownNames(value: unknown, schema: object): string[] {
  return unknownIn(value, alternatives(schema), [])
}

function unknownIn(value: unknown, schemas: Schema[], place: string[]): string[] {
  if (typeof value !== 'object' || value === null) return []
  if (Array.isArray(value)) {
    const ofItems = schemas.flatMap(({ items }) => (items ? alternatives(items) : []))
    return value.flatMap((item) => unknownIn(item, ofItems, place))
  }
  return Object.entries(value).flatMap(([name, inner]) => {
    const known = schemas.flatMap(({ properties }) => properties?.[name] ?? [])
    const here = [...place, name]
    return known.length === 0 ? [here.join('.')] : unknownIn(inner, known.flatMap(alternatives), here)
  })
}

/** What may hold at one place. What is written in yet another way would hide names. */
function alternatives(schema: Schema): Schema[] {
  if ('$ref' in schema || 'allOf' in schema || 'prefixItems' in schema)
    throw new Error('a schema that is not read here')
  return [schema, ...[...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].flatMap(alternatives)]
}
