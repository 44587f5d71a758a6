import { loadMadeUpUsers } from '../wiring-made-up-users.ts'
import { progressBar } from './progress.ts'

/** Fills a new database at `path` with made-up users, showing how far it is. */
export function seed(options: { path: string; users: number; seed: number }): void {
  const bar = progressBar('filling the database', options.users)
  loadMadeUpUsers({ ...options, onProgress: bar.update })
  bar.stop()
}
