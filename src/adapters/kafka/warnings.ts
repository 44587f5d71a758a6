const UNHEARD = 'TimeoutNegativeWarning'

/**
 * kafkajs 2.2.4 sets a timer with a negative time whenever a connection is made, which Node runs at once, as is meant, and
 * warns about. Nobody can do anything about it, so it is not shown; anybody else's is.
 */
export function hideNegativeTimeouts(): void {
  const warn = process.emitWarning as (...said: unknown[]) => void
  process.emitWarning = (...said: unknown[]): void => {
    const isUnheard = said[1] === UNHEARD && (new Error().stack ?? '').includes('/node_modules/kafkajs/')
    if (!isUnheard) warn(...said)
  }
}
