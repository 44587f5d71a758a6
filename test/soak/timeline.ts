/** A fault from its beginning until everything was whole again; `to` null: not yet. Times are of monotonicMs. */
export type FaultSpan = { kind: string; fromMs: number; toMs: number | null }
/** A process that is deliberately not there, or stopped: nobody may expect an answer of it. */
type DownSpan = { name: string; fromMs: number; toMs: number | null }

export type Timeline = ReturnType<typeof timeline>

/** What was done to the service, and when: decides what may be held against it. */
export function timeline() {
  const faults: FaultSpan[] = []
  const downs: DownSpan[] = []
  const overlaps = ({ fromMs, toMs }: { fromMs: number; toMs: number | null }, from: number, to: number) =>
    fromMs <= to && (toMs ?? Number.POSITIVE_INFINITY) >= from
  const shared = ({ fromMs, toMs }: { fromMs: number; toMs: number | null }, from: number, to: number) =>
    Math.max(0, Math.min(to, toMs ?? Number.POSITIVE_INFINITY) - Math.max(from, fromMs))

  return {
    faults: faults as readonly FaultSpan[],
    begin(kind: string, fromMs: number): FaultSpan {
      const fault: FaultSpan = { kind, fromMs, toMs: null }
      faults.push(fault)
      return fault
    },
    /** Says that `name` is down from now on; call what it answers when it has been started, or goes on. */
    down(name: string, fromMs: number): (toMs: number) => void {
      const span: DownSpan = { name, fromMs, toMs: null }
      downs.push(span)
      return (toMs) => {
        span.toMs = toMs
      }
    },
    faultDuring: (from: number, to: number): boolean => faults.some((fault) => overlaps(fault, from, to)),
    downDuring: (name: string, from: number, to: number): boolean =>
      downs.some((span) => span.name === name && overlaps(span, from, to)),
    /** How much of the time `name` was meant to be down. Spans of one process never overlap. */
    downMs: (name: string, from: number, to: number): number =>
      downs.filter((span) => span.name === name).reduce((sum, span) => sum + shared(span, from, to), 0),
    /** How much of the time no fault was on: only then do promises about delays run. Faults never overlap. */
    calmMs: (from: number, to: number): number =>
      Math.max(0, to - from - faults.reduce((sum, fault) => sum + shared(fault, from, to), 0)),
    /** For the report of a wrong answer. */
    describe(atMs: number): string {
      const last = faults.findLast(({ fromMs }) => fromMs <= atMs)
      if (!last) return 'no fault so far'
      const ago = Math.round(atMs - last.fromMs)
      if (last.toMs === null || last.toMs > atMs) return `during ${last.kind}, ${ago} ms after it began`
      return `${Math.round(atMs - last.toMs)} ms after ${last.kind} was over`
    },
  }
}
