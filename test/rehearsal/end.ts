import { DatabaseSync } from 'node:sqlite'
import type { Ledger, Title } from './ledger.ts'
import type { Stage } from './stage.ts'

type Row = { version: number; title: Title }

function rowsOf({ path, written }: Pick<Stage, 'path' | 'written'>): Map<number, Row> {
  using database = new DatabaseSync(path, { readOnly: true })
  const select = database.prepare(
    `SELECT u.job_title AS title, (SELECT SUM(version) FROM entity_versions WHERE entity = 'user' AND entity_id = ?) AS version
     FROM users u WHERE u.user_id = ?`,
  )
  return new Map(written.map((userId) => [userId, select.get(String(userId), userId) as Row]))
}

/** How those are, before the first command, who will be written. */
export function learnWritten(stage: Pick<Stage, 'path' | 'written'>, ledger: Ledger): void {
  for (const [userId, { version, title }] of rowsOf(stage)) ledger.begin(userId, version, title)
}

/** Of a user's tag, all before the version. */
export async function tagBaseOf(stage: Stage): Promise<string> {
  const [pod] = stage.of('api')
  const [userId] = stage.written
  if (!pod) throw new Error('there is no API process')
  const own = stage.direct(pod)
  const answer = await own.ask({ method: 'GET', path: `/v1/users/${userId}` })
  own.close()
  const base = 'reason' in answer ? undefined : /^"(.+\.)\d+"$/.exec(answer.header('etag') ?? '')?.[1]
  if (base === undefined) throw new Error(`no tag: ${JSON.stringify(answer)}`)
  return base
}

/**
 * Once nothing is under way any more: what was acknowledged is in the database, done once and not twice, and every API process
 * shows it.
 */
export async function wrongInTheEnd(stage: Stage, ledger: Ledger): Promise<string[]> {
  const wrong: string[] = []
  const differs = (where: string, userId: number, { version, title }: Row) => {
    const [wantedVersion, wantedTitle] = [ledger.newest(userId), ledger.titleOf(userId) ?? null]
    if (version === wantedVersion && (title ?? null) === wantedTitle) return
    wrong.push(
      `${where}: user ${userId} is at ${version} "${title}", and ${wantedVersion} "${wantedTitle}" was acknowledged`,
    )
  }
  for (const [userId, row] of rowsOf(stage)) differs('database', userId, row)
  for (const pod of stage.of('api')) {
    const own = stage.direct(pod)
    for (const userId of stage.written) {
      const answer = await own.ask({ method: 'GET', path: `/v1/users/${userId}` })
      if ('reason' in answer) wrong.push(`${pod.name}: ${answer.reason}`)
      else {
        const { version, jobTitle } = JSON.parse(answer.text) as { version: number; jobTitle: Title }
        differs(pod.name, userId, { version, title: jobTitle })
      }
    }
    own.close()
  }
  return wrong
}
