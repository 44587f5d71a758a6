export type StreamPlaces = ReturnType<typeof streamPlaces>

/** Event streams and tunnels last for long: they are counted by themselves, and ended when nobody would wait for them. */
export function streamPlaces(places: number) {
  const open = new Set<() => void>()
  let isEnded = false
  return {
    /** Answers how to give the place back; null: there is none. `end`: ends the stream. */
    take(end: () => void): (() => void) | null {
      if (isEnded || open.size >= places) return null
      open.add(end)
      return () => void open.delete(end)
    },
    /** Once and for all: one that begins afterwards would hold up a stop just as well. */
    endAll(): void {
      isEnded = true
      for (const end of open) end()
    },
    taken: () => open.size,
  }
}
