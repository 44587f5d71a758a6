export function findOnPath(name: string, path: string | undefined): string | undefined
export function run(
  command: string,
  args: string[],
  options: { cwd: string; env: NodeJS.ProcessEnv },
): string | undefined
export function outputOf(file: string, args: string[], env?: NodeJS.ProcessEnv): string
export function fetchJars(options: {
  root: string
  env: Record<string, string | undefined>
  write: (text: string) => void
  title: string
  /** From `root`. */
  pom: string
  target: string
}): string | undefined
