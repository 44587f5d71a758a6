type Options = { root: string; env: Record<string, string | undefined>; write: (text: string) => void }

export function ensureDrda(options: Options & { driverOnly: boolean }): string | undefined
export function driverPaths(root: string): Record<'addon' | 'binding' | 'driver' | 'library' | 'link', string>
export function parsersFolder(root: string): string
export function derbyFolder(root: string): string
