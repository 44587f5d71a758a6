export type Watch = ReturnType<typeof watch>

/** One timer for all phases of an exchange: each begins by saying how long it may take. */
export function watch() {
  let timer: NodeJS.Timeout | undefined
  let isSilence = false
  const begin = (ms: number, late: () => void) => {
    clearTimeout(timer)
    timer = setTimeout(late, ms)
  }
  return {
    /** All of it may take so long. */
    phase(ms: number, late: () => void): void {
      isSilence = false
      begin(ms, late)
    },
    /** It may take any time, so long as something moves. */
    silence(ms: number, late: () => void): void {
      isSilence = true
      begin(ms, late)
    },
    /** A byte has moved. */
    moved(): void {
      if (isSilence) timer?.refresh()
    },
    stop(): void {
      clearTimeout(timer)
      timer = undefined
    },
  }
}
