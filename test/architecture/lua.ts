/** What is wrong with a script: its name, its header, and the keys that it uses. */
export type LuaFaults = { name: string[]; header: string[]; keys: string[] }

const NAME = /^[a-z]+(?:-[a-z]+)*-(\d+|n)\.lua$/

export function luaFaults(fileName: string, source: string): LuaFaults {
  const faults: LuaFaults = { name: [], header: [], keys: [] }
  const count = NAME.exec(fileName)?.[1]
  if (count === undefined) {
    faults.name.push('is not named <verb>-<number of KEYS, or n>.lua')
    return faults
  }
  const header = /^(?:#!lua[^\n]*\n)?--\[\[\n(.*?)\n\]\]\n/s.exec(source)?.[1]
  if (header === undefined) {
    faults.header.push('does not begin with a --[[ … ]] block')
    return faults
  }
  const body = source.replace(/--\[\[.*?\]\]/gs, '').replace(/--.*/g, '')
  if (!/^KEYS\[1[\]…]/m.test(header)) faults.header.push('KEYS are not explained')
  if (!/^Result\s+\S/m.test(header)) faults.header.push('Result is not explained')
  faults.header.push(...difference('ARGV', argumentsOf(body), argumentsOf(header)))
  faults.keys.push(...keyFaults(count, header, body))
  return faults
}

function keyFaults(count: string, header: string, body: string): string[] {
  const faults: string[] = []
  const explained = numbers(/KEYS\[(\d+)\]/g, header)
  const used = numbers(/KEYS\[(\d+)\]/g, body)
  const rest = Number(/KEYS\[(\d+)…\]/.exec(header)?.[1] ?? Number.NaN)
  const isComputed = /KEYS\[(?!\d+\])/.test(body) || /\bKEYS\b(?!\[)/.test(body)
  if (count === 'n') {
    if (Number.isNaN(rest)) faults.push('takes n KEYS, but no KEYS[x…] says where the list begins')
    if (!isComputed) faults.push('takes n KEYS, but uses a fixed number')
    faults.push(...difference('KEYS', used, explained))
  } else {
    const named = Array.from({ length: Number(count) }, (_, index) => index + 1)
    if (isComputed || !Number.isNaN(rest)) faults.push(`takes ${count} KEYS by its name, but reads computed ones`)
    faults.push(...difference('KEYS', used, named), ...difference('KEYS', explained, named))
  }
  // On a cluster a key that is not declared may live elsewhere.
  for (const [call, key] of body.matchAll(/redis\.p?call\(\s*'[A-Z]+'\s*,\s*([^,)\s]+)/g)) {
    if (!key?.startsWith('KEYS[')) faults.push(`a key that is not one of KEYS: ${call}`)
  }
  return faults
}

const argumentsOf = (text: string) => numbers(/ARGV\[(\d+)\]/g, text)
const numbers = (pattern: RegExp, text: string) => [...text.matchAll(pattern)].map((match) => Number(match[1]))

/** Numbers that stand in one list only. */
function difference(table: string, one: number[], other: number[]): string[] {
  const all = [...new Set([...one, ...other])].sort((a, b) => a - b)
  const differing = all.filter((index) => one.includes(index) !== other.includes(index))
  return differing.map((index) => `${table}[${index}] is not both explained and used`)
}
