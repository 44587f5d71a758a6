export function ensureVenv(options: {
  requirementsDir: string
  path: string
  env: Record<string, string | undefined>
  write?: (text: string) => void
}): { path: string; software: string } | { missing: string }
export function isVenv(path: string): boolean
export function pinnedPackages(requirements: string): string[]
export function lastLine(text: string): string
