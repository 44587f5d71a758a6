export type Address = { host: string; port: number; path: string }
export function addressOf(command: string[], env: Record<string, string | undefined>): Address | null
export function ask(address: Address, limitMs?: number): Promise<string | undefined>
