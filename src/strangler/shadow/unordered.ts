import { type Place, within } from './places.ts'
import { areNear, momentOf, numberOf } from './values.ts'

/** `undefined`: the other side has one more. `key`: what told them apart, if something does. */
export type Pair = [legacy: unknown, native: unknown, key: string | null]

/** What lies deeper is described as near to nothing, by which it is compared with whatever it is paired with. */
const MAX_DESCRIBED_DEPTH = 64

/** Elements that have the same value in their member `by`. Those of one value are matched by what they are. */
export function pairsByKey(legacy: unknown[], native: unknown[], { by, place }: { by: string; place: Place }): Pair[] {
  const groups = groupsOf(legacy, native, (element) => keyOf(element, by, place))
  return [...groups].flatMap(([key, group]): Pair[] => {
    const [theirs, ours] = [group.legacy, group.native]
    if (theirs.length <= 1 && ours.length <= 1) return [[theirs[0], ours[0], key]]
    return pairsByValue(theirs, ours, place).map(([one, other]): Pair => [one, other, key])
  })
}

/**
 * What is the same on both sides, each as often as it occurs, is left out. The rest is paired in the order of what it is
 * when it is as many, so that it shows in what they differ, and else told to be missing.
 */
export function pairsByValue(legacy: unknown[], native: unknown[], place: Place): Pair[] {
  const describe = (value: unknown): Described => ({ value, ...descriptionOf(value, place, 0) })
  const groups = groupsOf(legacy.map(describe), native.map(describe), ({ text }) => text)
  const theirs: Described[] = []
  const ours: Described[] = []
  for (const group of groups.values()) {
    const left = withoutMatches(group.legacy.sort(inOrder), group.native.sort(inOrder))
    theirs.push(...left.legacy)
    ours.push(...left.native)
  }
  theirs.sort(inOrder)
  ours.sort(inOrder)
  if (theirs.length === ours.length) return theirs.map(({ value }, i): Pair => [value, ours[i]?.value, null])
  return [
    ...theirs.map(({ value }): Pair => [value, undefined, null]),
    ...ours.map(({ value }): Pair => [undefined, value, null]),
  ]
}

/** `text`: the same for all that may be equal. `amounts`: the numbers and times in it that need only be near. */
type Description = { text: string; amounts: Amount[] }
type Described = Description & { value: unknown }
type Amount = { value: number; apart: number }

/** Walks both sides in order, once. Of two that are not near, the smaller one cannot be near to any that follows. */
function withoutMatches(legacy: Described[], native: Described[]): { legacy: Described[]; native: Described[] } {
  const left = { legacy: [] as Described[], native: [] as Described[] }
  let [i, j] = [0, 0]
  for (;;) {
    const [theirs, ours] = [legacy[i], native[j]]
    if (theirs === undefined || ours === undefined) break
    if (areAllNear(theirs.amounts, ours.amounts)) {
      i += 1
      j += 1
    } else if (inOrder(theirs, ours) < 0) {
      left.legacy.push(theirs)
      i += 1
    } else {
      left.native.push(ours)
      j += 1
    }
  }
  return { legacy: left.legacy.concat(legacy.slice(i)), native: left.native.concat(native.slice(j)) }
}

const areAllNear = (a: Amount[], b: Amount[]): boolean =>
  a.every(({ value, apart }, i) => areNear(value, b[i]?.value ?? Number.NaN, apart))

function inOrder(a: Description, b: Description): number {
  if (a.text !== b.text) return a.text < b.text ? -1 : 1
  const index = a.amounts.findIndex(({ value }, i) => value !== b.amounts[i]?.value)
  return index < 0 ? 0 : (a.amounts[index]?.value ?? 0) - (b.amounts[index]?.value ?? 0)
}

function descriptionOf(value: unknown, place: Place, depth: number): Description {
  if (place.ignored) return { text: '', amounts: [] }
  const amount = amountOf(value, place)
  if (amount !== null) return { text: '#', amounts: [amount] }
  if (typeof value !== 'object' || value === null) return { text: JSON.stringify(value) ?? '', amounts: [] }
  if (depth >= MAX_DESCRIBED_DEPTH) return { text: '', amounts: [{ value: Number.NaN, apart: 0 }] }
  if (!Array.isArray(value)) {
    const members = Object.keys(value)
      .sort()
      .map((name) => [name, within(place, name)] as const)
      .filter(([, there]) => !there.ignored)
      .map(([name, there]) => named(name, descriptionOf((value as Record<string, unknown>)[name], there, depth + 1)))
    return joined('{', members, '}')
  }
  const elements = value.map((one, i) => descriptionOf(one, within(place, String(i)), depth + 1))
  // It stands within an array whose order says nothing, and what is said there holds here.
  return joined('[', elements.sort(inOrder), ']')
}

function amountOf(value: unknown, { numbers, timestampsMs }: Place): Amount | null {
  const number = numbers === null ? null : numberOf(value)
  if (numbers !== null && number !== null) return { value: number, apart: numbers }
  const moment = timestampsMs === null ? null : momentOf(value)
  return timestampsMs !== null && moment !== null ? { value: moment, apart: timestampsMs } : null
}

const named = (name: string, { text, amounts }: Description): Description => ({
  text: `${JSON.stringify(name)}:${text}`,
  amounts,
})
const joined = (begin: string, parts: Description[], end: string): Description => ({
  text: `${begin}${parts.map(({ text }) => text).join()}${end}`,
  amounts: parts.flatMap(({ amounts }) => amounts),
})

function keyOf(element: unknown, by: string, place: Place): string {
  const member =
    typeof element === 'object' && element !== null && Object.hasOwn(element, by)
      ? (element as Record<string, unknown>)[by]
      : undefined
  // Without that member an element is known by what it is.
  return member === undefined ? descriptionOf(element, place, 0).text : `=${JSON.stringify(member)}`
}

function groupsOf<Element>(legacy: Element[], native: Element[], keyOf: (element: Element) => string) {
  const groups = new Map<string, { legacy: Element[]; native: Element[] }>()
  const groupOf = (element: Element) => {
    const key = keyOf(element)
    const group = groups.get(key) ?? { legacy: [], native: [] }
    groups.set(key, group)
    return group
  }
  for (const element of legacy) groupOf(element).legacy.push(element)
  for (const element of native) groupOf(element).native.push(element)
  return groups
}
