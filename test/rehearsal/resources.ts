import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isMainThread } from 'node:worker_threads'

// Loaded into each process of the steady run: what keeps its event loop alive, counted now and then, since nobody can count it
// from outside.
const EVERY_MS = 2_000
const dir = process.env.REHEARSAL_RESOURCES
if (dir !== undefined && isMainThread) {
  const count = () =>
    writeFileSync(join(dir, `resources-${process.pid}`), String(process.getActiveResourcesInfo().length))
  setInterval(count, EVERY_MS).unref()
}
