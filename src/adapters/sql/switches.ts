import { DomainError } from '../../domain/errors.ts'
import type { SwitchStore } from '../../ports/switches.ts'
import type { Database, Dialect, Session } from '../../ports.ts'
import { writeAuditRow } from './audit.ts'
import { isSqlError } from './errors.ts'

/** Names come from lists in the code, which are far shorter. */
const MAX_SWITCHES = 1_000
/** Each finds that somebody has set, or unset, the switch in just that moment. */
const MAX_ATTEMPTS = 3

/** What operators have set, each switch a row; an unset one has none. */
export function sqlSwitches(database: Database): SwitchStore {
  const { dialect } = database
  return {
    async all() {
      const rows = await database.query<{ switch_name: string; setting: string }>(
        `SELECT switch_name, setting FROM service_switches ORDER BY switch_name ${dialect.limit(MAX_SWITCHES)}`,
      )
      return new Map(rows.map((row) => [row.switch_name, row.setting]))
    },
    update: (name, by, decide) =>
      database.transaction(
        async (session) => {
          for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
            const current = await lockSwitch(session, name)
            const change = decide(current)
            if (change === null || change.setting === current) return { setting: current, visible: true }
            const { setting, entity, event } = change
            if (!(await writeSwitch(session, dialect, name, { from: current, to: setting }))) continue
            // The switch is locked by now, also one that is new: entries stand in the order of the commits.
            await writeAuditRow(session, {
              dialect,
              entity,
              event,
              by,
              before: current === null ? {} : { setting: current },
            })
            return { setting, visible: true }
          }
          throw new DomainError('busy', 'Others are setting the same switch.')
        },
        { certain: true },
      ),
  }
}

/** Nobody else sets it until the transaction ends, if it is set. Where it is not there is nothing to lock. */
async function lockSwitch(session: Session, name: string): Promise<string | null> {
  const locked = await session.execute('UPDATE service_switches SET changed_at = changed_at WHERE switch_name = ?', [
    name,
  ])
  if (locked === 0) return null
  const [row] = await session.query<{ setting: string }>('SELECT setting FROM service_switches WHERE switch_name = ?', [
    name,
  ])
  return row?.setting ?? null
}

type Move = { from: string | null; to: string | null }

/** False: another has set it first, and its setting has to be looked at. */
async function writeSwitch(session: Session, dialect: Dialect, name: string, { from, to }: Move): Promise<boolean> {
  if (to === null) {
    await session.execute('DELETE FROM service_switches WHERE switch_name = ?', [name])
    return true
  }
  if (from !== null) {
    await session.execute(
      `UPDATE service_switches SET setting = ?, changed_at = ${dialect.utcNow} WHERE switch_name = ?`,
      [to, name],
    )
    return true
  }
  try {
    await session.execute(
      `INSERT INTO service_switches (switch_name, setting, changed_at) VALUES (?, ?, ${dialect.utcNow})`,
      [name, to],
    )
    return true
  } catch (error) {
    if (!isSqlError(error, 'duplicate')) throw error
    return false
  }
}
