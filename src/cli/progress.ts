import { Presets, SingleBar } from 'cli-progress'

export type ProgressBar = {
  update(done: number): void
  stop(): void
  /** It will not be done: says nothing more. */
  abandon(): void
}

/** On a terminal a bar with rate and remaining time, elsewhere one line at the end. */
export function progressBar(title: string, total: number): ProgressBar {
  const startedAt = Date.now()
  let done = 0
  const format = `${title} {bar} {percentage} % | {value} of {total} | {eta_formatted} to go`
  const bar = process.stdout.isTTY ? new SingleBar({ format, hideCursor: true }, Presets.shades_grey) : null
  bar?.start(total, 0)
  return {
    update(now) {
      done = now
      bar?.update(now)
    },
    abandon: () => bar?.stop(),
    stop() {
      bar?.stop()
      const seconds = (Date.now() - startedAt) / 1000
      process.stdout.write(`${title}: ${done.toLocaleString('en')} in ${seconds.toFixed(1)} s\n`)
    },
  }
}

/** A bar that appears with the first progress, which says how much there is. */
export function lazyProgressBar(title: string) {
  let bar: ProgressBar | undefined
  return {
    update(done: number, total: number): void {
      bar ??= progressBar(title, total)
      bar.update(done)
    },
    stop: () => bar?.stop(),
    abandon: () => bar?.abandon(),
  }
}
