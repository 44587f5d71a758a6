import fc from 'fast-check'

/** Up to nearly half as large as a body may be, where what grows with the square takes many times what it may; by small steps, so that what grows by powers is found out before it hangs. */
const LENGTHS = [16, 20, 24, 28, 32, 36, 40, 46, 52, 60, 70, 80, 100, 200, 400, 800, 1_600, 6_400, 25_600]
const SAMPLES = 5
/** Of a sample, each of these characters is repeated in turn. */
const MAX_POSITIONS = 12
const REPRESENTATIVES = [...'aA0_ \t\n-.,:;/\\\'"@+(é😀\0']
const SEED = 7
/** What makes a match fail at the very end, when all that went before has been taken. */
const ENDS = ['\0', '\n!']
/** Of a linear look at as long a text: `{1,500}` may look at each character so often. What grows with the square takes 10,000. */
const MOST_TIMES = 1_000
const TRIES = 3
const SURELY_MS = 300
const BASELINE = /^[^\u0001]*$/u

export type Slow = { pattern: string; attack: string; ms: number; baselineMs: number }

/** The first text on which matching takes unlike longer than looking at each of its characters; null: none was found. */
export function slowText(pattern: RegExp): Slow | null {
  const pumps = pumpsOf(pattern)
  for (const length of LENGTHS) {
    const plain = 'a'.repeat(length)
    const baselineMs = Math.max(
      FLOOR_MS,
      leastMs(() => BASELINE.test(plain)),
    )
    for (const { before, pumped, after } of pumps) {
      const middle = pumped.repeat(Math.ceil(length / pumped.length))
      for (const end of ENDS) {
        const text = before + middle + after + end
        const ms = leastMs(() => freshly(pattern).test(text), MOST_TIMES * baselineMs)
        if (ms > MOST_TIMES * baselineMs) {
          const attack = `${JSON.stringify(before)} + ${JSON.stringify(pumped)} × ${length} + ${JSON.stringify(after + end)}`
          return { pattern: String(pattern), attack, ms, baselineMs }
        }
      }
    }
  }
  return null
}

/** Shorter times are the clock's, not the pattern's. */
const FLOOR_MS = 0.05

/**
 * Of this process's CPU, the least of a few tries, unless the first is short enough, or longer than all else that this
 * process might do meanwhile: so that nobody else's work counts.
 */
function leastMs(work: () => unknown, enoughMs = 0): number {
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < TRIES && least > enoughMs && (i === 0 || least < enoughMs + SURELY_MS); i += 1) {
    const begun = process.cpuUsage()
    work()
    const { user, system } = process.cpuUsage(begun)
    least = Math.min(least, (user + system) / 1_000)
  }
  return least
}

function freshly(pattern: RegExp): RegExp {
  pattern.lastIndex = 0
  return pattern
}

type Pump = { before: string; pumped: string; after: string }

/** Of texts that match, each character and each pair of them repeated in its place; and what such patterns often stumble over. */
function pumpsOf(pattern: RegExp): Pump[] {
  const ofSamples = samplesOf(pattern).flatMap((sample) => {
    const characters = [...sample].slice(0, MAX_POSITIONS)
    return characters.flatMap((character, at) => {
      const [before, after] = [characters.slice(0, at).join(''), characters.slice(at + 1).join('')]
      const pair = character + (characters[at + 1] ?? '')
      return [
        { before, pumped: character, after },
        { before, pumped: pair, after: '' },
      ]
    })
  })
  const literal = [...new Set([...String(pattern.source), ...REPRESENTATIVES])]
  const plain = literal.map((pumped) => ({ before: '', pumped, after: '' }))
  const all = [...plain, ...ofSamples].map((pump): [string, Pump] => [JSON.stringify(pump), pump])
  return [...new Map(all).values()]
}

function samplesOf({ source, flags }: RegExp): string[] {
  if (hasNoPrintable(source)) return []
  try {
    const pattern = new RegExp(source, flags.replaceAll(/[giy]/g, ''))
    return fc.sample(fc.stringMatching(pattern), { numRuns: SAMPLES, seed: SEED })
  } catch {
    // Of lookaheads and the like it knows nothing.
    return []
  }
}

/** For a class that leaves out all of them it would look without end. */
function hasNoPrintable(source: string): boolean {
  const classes = source.match(/\[\^(?:\\.|[^\]\\])*\]/g) ?? []
  return classes.some((one) => !new RegExp(one).test(PRINTABLE))
}
const PRINTABLE = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join('')
