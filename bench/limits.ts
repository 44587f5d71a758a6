import type { CaseName } from './cases.ts'
import { table } from './markdown.ts'

type Part = CaseName | 'authentication' | 'visibility' | 'crowds' | 'flushes' | 'rebuilds'
/** What each figure can hardly be better than, as profiles show; kept here because the page is made anew each time. */
const LIMITS = {
  near: '`node:http`, which parses the request and writes to the socket; the answer itself is one look into a map',
  hot: 'the way to Redis: one command for all who ask in the same turn of the event loop, its reply to be parsed; and in Redis a script, which sees incarnation and entry at one moment',
  permission: 'the same way, for the user; the decision itself is a look into sets',
  miss: 'two scripts (lease and apply) and the reads of the database that put a user together',
  write: 'the commit: one writer at a time, each waits for the disk; then the fence',
  authentication:
    'reading the longer request, which nothing here can spare Node; comparing the whole token with the one that was verified; one look into a map of callers; two more headers to write',
  visibility:
    'own commands elsewhere: the way of the invalidation through Redis. Other programs: how often the feed asks',
  crowds: 'one read of the database, then writing the answer to each',
  flushes: 'how fast everything is built again; only who asks for what is not there yet waits',
  rebuilds: 'one thread that reads rows, makes bodies and writes pipelines; memory: one page of users',
} satisfies Partial<Record<Part, string>>

/** `measured`: what the page shows. */
export function limitsSection(measured: ReadonlySet<string>, limits: Record<string, string> = LIMITS): string {
  const rows = Object.entries(limits).filter(([part]) => measured.has(part))
  return rows.length === 0 ? '' : `## What limits each\n\n${table(['', 'limited by'], rows)}`
}
