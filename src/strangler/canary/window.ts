import type { Comparison } from '../../ports/strangler.ts'
import { addSide, countAnswer, noAnswers } from '../evidence/counts.ts'
import type { Figures } from './budget.ts'

/** Long enough for a canary of a few requests a second to say something, short enough to forget what is over. */
export const WINDOW_SLOTS = 30
export const SLOT_MS = 1_000

type Slot = { number: number; figures: Figures }

/** What was counted in the last WINDOW_SLOTS × SLOT_MS. `now`: milliseconds that never go back. */
export function slidingWindow(now: () => number) {
  let slots: Slot[] = []
  const current = (): Figures => {
    const number = Math.floor(now() / SLOT_MS)
    const last = slots.at(-1)
    if (last?.number === number) return last.figures
    const figures = nothing()
    slots = [...slots.filter((slot) => slot.number > number - WINDOW_SLOTS), { number, figures }]
    return figures
  }
  return {
    answered: (by: 'legacy' | 'native', failed: boolean, ms: number): void => countAnswer(current()[by], failed, ms),
    compared(outcome: Comparison): void {
      // What was not compared to the end says nothing.
      if (outcome === 'failed' || outcome === 'dropped') return
      const figures = current()
      figures.compared += 1
      if (outcome === 'mismatch') figures.mismatched += 1
    },
    sum(): Figures {
      const oldest = Math.floor(now() / SLOT_MS) - WINDOW_SLOTS
      const all = nothing()
      for (const { number, figures } of slots) if (number > oldest) add(all, figures)
      return all
    },
    clear(): void {
      slots = []
    },
  }
}

const nothing = (): Figures => ({ legacy: noAnswers(), native: noAnswers(), compared: 0, mismatched: 0 })

function add(all: Figures, more: Figures): void {
  addSide(all.legacy, more.legacy)
  addSide(all.native, more.native)
  all.compared += more.compared
  all.mismatched += more.mismatched
}
