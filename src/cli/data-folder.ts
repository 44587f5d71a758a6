import { mkdir } from 'node:fs/promises'

/** The embedded database's people, and what Redis has of them, are nobody else's on this machine. */
const OWNER_ALONE = 0o700

/** As it is where it is there already. */
export async function makeDataFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: OWNER_ALONE })
}
