import type { Mapping } from './mapping.ts'
import type { ReferenceName } from './reference.ts'

const TOKEN = /'(?:[^']|'')*'|[A-Za-z_][A-Za-z0-9_]*|[().,]|\s+|[\s\S]/g
const NAME = /^[A-Za-z_]/

/** `selecting`: between SELECT and FROM, where a column that is renamed gets its own name back. */
type Scope = { table: ReferenceName | null; selecting: boolean; isOutermost: boolean }

/**
 * A statement of this service with the site's names in it. Each parenthesis is a scope; a column belongs to the reference
 * table of the innermost scope that has one. So a statement names at most one reference table a scope, which a test of
 * every statement sees to.
 */
export function mapStatement(sql: string, mapping: Mapping): string {
  const tokens = sql.match(TOKEN) ?? []
  const tables = tablesOfScopes(tokens, mapping)
  const scopes: Scope[] = [{ table: tables.get(-1) ?? null, selecting: false, isOutermost: true }]
  return tokens
    .map((token, index) => {
      const scope = scopes.at(-1) as Scope
      if (token === '(') scopes.push({ table: tables.get(index) ?? null, selecting: false, isOutermost: false })
      else if (token === ')' && scopes.length > 1) scopes.pop()
      else if (/^select$/i.test(token)) scope.selecting = scope.isOutermost
      else if (/^from$/i.test(token)) scope.selecting = false
      else if (NAME.test(token)) return mappedName(token, { tokens, index, scopes, mapping })
      return token
    })
    .join('')
}

type Place = { tokens: string[]; index: number; scopes: Scope[]; mapping: Mapping }

function mappedName(token: string, { tokens, index, scopes, mapping }: Place): string {
  if (token in mapping && !isQualifying(tokens, index)) return mapping[token as ReferenceName].table
  const inner = scopes.findLast(({ table }) => table !== null)
  const columns = inner?.table ? mapping[inner.table].columns : {}
  const to = Object.hasOwn(columns, token) ? columns[token] : undefined
  // After AS it is a name that the statement gives; after a dot, a column of a table of ours.
  if (to === undefined || to === token || /^as$/i.test(wordBefore(tokens, index)) || tokens[index - 1] === '.')
    return token
  const isSelected = scopes.at(-1)?.selecting === true && /^(,|from)$/i.test(wordAfter(tokens, index))
  return isSelected ? `${to} AS ${token}` : to
}

const isQualifying = (tokens: string[], index: number) => tokens[index + 1] === '.'

/** By the index of the parenthesis that opens the scope; -1 for the statement itself. */
function tablesOfScopes(tokens: string[], mapping: Mapping): Map<number, ReferenceName> {
  const found = new Map<number, ReferenceName>()
  const open = [-1]
  for (const [index, token] of tokens.entries()) {
    if (token === '(') open.push(index)
    else if (token === ')' && open.length > 1) open.pop()
    else if (token in mapping && /^(from|into|update|join)$/i.test(wordBefore(tokens, index))) {
      const scope = open.at(-1) ?? -1
      if (found.has(scope) && found.get(scope) !== token)
        throw new Error('a statement names two mapped tables in one scope')
      found.set(scope, token as ReferenceName)
    }
  }
  return found
}

function wordBefore(tokens: string[], index: number): string {
  return tokens.slice(0, index).findLast((token) => /\S/.test(token)) ?? ''
}

function wordAfter(tokens: string[], index: number): string {
  return tokens.slice(index + 1).find((token) => /\S/.test(token)) ?? ''
}
