import type { SwitchStore } from '../../ports/switches.ts'
import type { Switchboard } from './switchboard.ts'

type Deps = {
  store: Pick<SwitchStore, 'update'>
  board: Pick<Switchboard, 'refresh'>
  /** Wakes the other replicas. */
  announce(): void
}

/**
 * The store, with what a commit owes those who are to obey it: other replicas are woken, and this one has applied it
 * before it is acknowledged. Also when it was so already: another replica may have done it just now.
 */
export function visibleSwitches({ store, board, announce }: Deps): Pick<SwitchStore, 'update'> {
  return {
    async update(name, by, decide) {
      const { setting } = await store.update(name, by, decide)
      announce()
      return { setting, visible: await board.refresh() }
    },
  }
}
