export function ensureKafka(options: {
  root: string
  env: Record<string, string | undefined>
  write: (text: string) => void
}): string | undefined
export function kafkaFolder(root: string): string
export function warmFolder(root: string, java: string): string
