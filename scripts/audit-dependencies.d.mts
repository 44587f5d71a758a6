// Types for the test: the script itself must be JavaScript that Node 20 runs.

type Env = Record<string, string | undefined>
type Manifest = Record<string, unknown>
type Verdict =
  | { outcome: 'found'; found: string[] }
  | { outcome: 'none' }
  | { outcome: 'not-offered' | 'unknown'; why: string }

export function faultsOf(of: { manifest: Manifest; lock: Manifest; withScripts?: Record<string, string> }): string[]
export function verdictOf(text: string): Verdict
export function audit(options: { root: string; env: Env; write: (text: string) => void; strict: boolean }): void
