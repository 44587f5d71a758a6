import type { ComparisonRules } from '../../ports/strangler.ts'

/** What is to be done at a place of an answer. Each holds for what is beneath as well, until a longer path says otherwise. */
export type Place = {
  ignored: boolean
  shown: boolean
  /** How far apart numbers may be; null: they must be the same, and numbers. */
  numbers: number | null
  timestampsMs: number | null
  /** Of arrays. `by`: the member that tells elements apart; null: what they are. */
  unordered: { by: string | null } | null
  /** Of the rules' paths, what can still follow. */
  rules: readonly Rule[]
}
/** What the paths that lead here say, and how they go on. */
type Rule = { says: Partial<Omit<Place, 'rules'>>; next: Map<string, Rule> }

/** A longer path in an answer is shown by its beginning. */
const MAX_NAME_CHARS = 48
/** What could be an id, a number or an address is nobody's business, and there may be any number of such names. */
const NAME = /^(?!.*\d{4})[A-Za-z_$][\w$.:-]*$/
/** Any member, or element. */
export const ANY = '*'

const tops = new WeakMap<ComparisonRules, Place>()

/** The whole answer: its body. */
export function topOf(rules: ComparisonRules): Place {
  const known = tops.get(rules)
  if (known !== undefined) return known
  const start: Rule = { says: {}, next: new Map() }
  for (const path of rules.ignore ?? []) add(start, path, { ignored: true })
  for (const path of rules.shown ?? []) add(start, path, { shown: true })
  for (const [path, apart] of Object.entries(rules.numbers ?? {})) add(start, path, { numbers: apart })
  for (const [path, apart] of Object.entries(rules.timestamps ?? {})) add(start, path, { timestampsMs: apart })
  for (const [path, by] of Object.entries(rules.unordered ?? {})) add(start, path, { unordered: { by } })
  const nothing = { ignored: false, shown: false, numbers: null, timestampsMs: null, unordered: null }
  const top = { ...nothing, ...start.says, rules: [start] }
  tops.set(rules, top)
  return top
}

/** The member or element with this name. An element whose position says nothing is named ANY. */
export function within(place: Place, name: string): Place {
  // Most of an answer is beneath what the rules speak of: nothing is made anew there.
  if (place.rules.length === 0) return place
  const next: Rule[] = []
  for (const rule of place.rules) {
    const any = rule.next.get(ANY)
    if (any !== undefined) next.push(any)
    const named = name === ANY ? undefined : rule.next.get(name)
    if (named !== undefined) next.push(named)
  }
  // Whoever names it goes last, and so is heard.
  return Object.assign({}, place, ...next.map(({ says }) => says), { rules: next })
}

/** The name as a JSON Pointer has it (RFC 6901, section 3). */
export const escaped = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1')
const unescaped = (part: string): string => part.replaceAll('~1', '/').replaceAll('~0', '~')
export const namesIn = (pointer: string): string[] => (pointer === '' ? [] : pointer.slice(1).split('/').map(unescaped))

/** A member's name as people are shown it. */
export function shownName(name: string): string {
  return name.length <= MAX_NAME_CHARS && NAME.test(name) ? escaped(name) : ANY
}

function add(start: Rule, path: string, says: Rule['says']): void {
  let rule = start
  for (const name of namesIn(path)) {
    const next = rule.next.get(name) ?? { says: {}, next: new Map() }
    rule.next.set(name, next)
    rule = next
  }
  Object.assign(rule.says, says)
}
