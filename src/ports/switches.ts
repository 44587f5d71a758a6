import type { BreakerEvent } from '../domain/breaker.ts'
import type { RouteEvent } from '../domain/strangler.ts'
import type { Actor } from '../ports.ts'

// What operators set at run time, for all replicas.

/** What operators have done to a switch. Only the audit keeps these: no domain events, they are published to nobody. */
export type SwitchEvent = BreakerEvent | RouteEvent
/** What the audit files an event under; `name` is at most 8 characters long, `id` at most 32. */
export type SwitchedEntity = { name: 'breaker' | 'route'; id: string }
/** `setting`: JSON of at most MAX_SETTING_BYTES; null: it is set no more. */
export type SwitchChange = { setting: string | null; entity: SwitchedEntity; event: SwitchEvent }
/** `visible` false: committed, but this process has not applied it yet. */
export type SwitchWritten = { setting: string | null; visible: boolean }

export const MAX_SETTING_BYTES = 2_000
/** A name is at most 64 characters long. */
export type SwitchStore = {
  /** The setting of every switch that is set, by name. */
  all(): Promise<Map<string, string>>
  /**
   * Loads the setting under a lock (null: it is not set), lets `decide` say what becomes of it, writes that with its audit
   * entry, and commits; nothing is written when `decide` answers null, or what is so already. `decide` is pure: it may run
   * again. Answers the setting as it is then.
   */
  update(name: string, by: Actor, decide: (setting: string | null) => SwitchChange | null): Promise<SwitchWritten>
}
