// Types for the test: the setup itself must be JavaScript that Node 20 runs.

type Env = Record<string, string | undefined>

export function ensureRedis(options: {
  root: string
  env: Env
  uid: number | undefined
  write: (text: string) => void
}): string
export function findRedis(options: { root: string; env: Env }): string | undefined
