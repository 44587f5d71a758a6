type Node = Record<string, unknown>

/**
 * The first document without what it announces to go and the second has not any more: optional fields and headers that are
 * `deprecated`, and whose `x-sunset`, when they have one, has come. oasdiff does so for whatever else can be deprecated; of
 * these two it tells the removal whether or not: https://github.com/oasdiff/oasdiff/blob/main/docs/DEPRECATION.md
 */
export function withoutWhatMayGo<T>(before: T, after: unknown, now: Date): T {
  if (Array.isArray(before)) {
    return before.map((one, index) => withoutWhatMayGo(one, Array.isArray(after) ? after[index] : undefined, now)) as T
  }
  if (!isNode(before) || !isNode(after)) return before
  const required = Array.isArray(before.required) ? before.required : []
  const kept = Object.entries(before).map(([key, value]) => {
    const one = withoutWhatMayGo(value, after[key], now)
    return [key, key === 'properties' || key === 'headers' ? withoutDue(one, after[key], required, now) : one]
  })
  return Object.fromEntries(kept)
}

function withoutDue(members: unknown, after: unknown, required: unknown[], now: Date): unknown {
  if (!isNode(members)) return members
  const there = isNode(after) ? after : {}
  const stays = ([name, member]: [string, unknown]) => name in there || required.includes(name) || !isDue(member, now)
  return Object.fromEntries(Object.entries(members).filter(stays))
}

function isDue(member: unknown, now: Date): boolean {
  if (!isNode(member) || member.deprecated !== true) return false
  const sunset = member['x-sunset']
  // What is no date is never due.
  return sunset === undefined || Date.parse(String(sunset)) <= now.getTime()
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
