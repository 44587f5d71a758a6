// Types for the test: the setup itself must be JavaScript that Node 20 runs.

type Env = Record<string, string | undefined>
type Tools = { root: string; env: Env; write: (text: string) => void }

export function setup(options: Tools & { uid: number | undefined; version: string }): void
export function checkTools(options: { path: string | undefined; version: string }): void
export function installPackages(options: Tools): boolean
export function runtimeNode(options: { root: string; env: Env }): string
export function fingerprint(root: string): string
export function systemPath(path: string | undefined, root: string): string
