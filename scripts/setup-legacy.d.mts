type Options = { root: string; env: Record<string, string | undefined>; write: (text: string) => void }

export function ensureLegacy(options: Options): string | undefined
export function legacyFolder(root: string): string
export function legacyVenv(root: string): string
