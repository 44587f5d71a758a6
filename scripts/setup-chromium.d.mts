export function findChromium(path: string | undefined): string | undefined
export function ensureChromium(options: {
  root: string
  env: Record<string, string | undefined>
  uid: number | undefined
  write: (text: string) => void
}): string | undefined
