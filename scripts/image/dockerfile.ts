// Reads a Dockerfile as far as ours goes: what it doesn't know it refuses, so that nothing is checked by halves.
// https://docs.docker.com/reference/dockerfile/

export type Step = {
  kind: string
  /** `--from=x` is `{ from: ['x'] }`; one flag may stand there several times. */
  flags: Record<string, string[]>
  /** `exec`: a JSON array of words. `words` of the shell form are what blanks separate. */
  form: 'exec' | 'shell'
  words: string[]
  /** The shell form as it stands, continued lines as one. */
  text: string
  line: number
}
export type Stage = { name: string; base: string; steps: Step[] }
export type Dockerfile = {
  /** Before the first FROM. */
  defaults: Record<string, string>
  stages: Stage[]
}
export type Values = Readonly<Record<string, string | undefined>>

const KNOWN = new Set(
  'ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL RUN STOPSIGNAL USER VOLUME WORKDIR ADD SHELL'.split(' '),
)

/** Throws an Error that names the line. */
export function parseDockerfile(text: string): Dockerfile {
  const file: Dockerfile = { defaults: {}, stages: [] }
  for (const { text: instruction, line } of instructionsOf(text)) {
    const step = stepOf(instruction, line)
    const stage = file.stages.at(-1)
    if (step.kind === 'FROM') file.stages.push(stageOf(step, file.stages.length))
    else if (stage) stage.steps.push(step)
    else if (step.kind === 'ARG') Object.assign(file.defaults, pairsOf(step))
    else throw new Error(`Dockerfile, line ${line}: ${step.kind} before the first FROM`)
  }
  return file
}

function stageOf({ words, line }: Step, index: number): Stage {
  const [base, as, name] = words
  if (base === undefined || (as !== undefined && (as.toUpperCase() !== 'AS' || name === undefined)))
    throw new Error(`Dockerfile, line ${line}: FROM image AS name`)
  return { name: name ?? String(index), base, steps: [] }
}

/** A backslash at its end continues a line; comments and blank lines among them don't end it. */
function* instructionsOf(text: string): Generator<{ text: string; line: number }> {
  let [open, first] = ['', 0]
  for (const [index, line] of text.split('\n').entries()) {
    if (/^\s*(#|$)/.test(line)) continue
    if (open === '') first = index + 1
    open += line.replace(/\\\s*$/, '')
    if (/\\\s*$/.test(line)) continue
    yield { text: open.trim(), line: first }
    open = ''
  }
  if (open !== '') throw new Error(`Dockerfile, line ${first}: it is continued, and ends`)
}

function stepOf(instruction: string, line: number): Step {
  const [, word = '', after = ''] = /^(\S+)\s*(.*)$/s.exec(instruction) ?? []
  const kind = word.toUpperCase()
  if (!KNOWN.has(kind)) throw new Error(`Dockerfile, line ${line}: ${kind} is not known here`)
  if (/<<-?["']?\w/.test(after)) throw new Error(`Dockerfile, line ${line}: here-documents are not known here`)
  const { flags, rest } = flagsOf(after)
  const list = rest.startsWith('[') ? listOf(rest) : null
  if (list) return { kind, flags, form: 'exec', words: list, text: rest, line }
  return { kind, flags, form: 'shell', words: rest.split(/\s+/).filter(Boolean), text: rest, line }
}

function flagsOf(text: string): Pick<Step, 'flags'> & { rest: string } {
  const flags: Record<string, string[]> = {}
  let rest = text
  for (;;) {
    const flag = /^--([a-z-]+)(?:=(\S+))?\s+/.exec(rest)
    if (!flag) return { flags, rest }
    const [whole, name = '', value = ''] = flag
    flags[name] = [...(flags[name] ?? []), value]
    rest = rest.slice(whole.length)
  }
}

/** As Docker does: what is not quite a JSON array of strings is the shell form. */
function listOf(text: string): string[] | null {
  try {
    const list: unknown = JSON.parse(text)
    return Array.isArray(list) && list.every((word) => typeof word === 'string') ? list : null
  } catch {
    return null
  }
}

/** `NAME=value`, `NAME="a value"`, several in a line. An ARG may be without a value. */
export function pairsOf({ text }: Pick<Step, 'text'>): Record<string, string> {
  const pairs = text.matchAll(/([\w.-]+)(?:=("(?:[^"\\]|\\.)*"|\S*))?/g)
  return Object.fromEntries([...pairs].map(([, name = '', value = '']) => [name, value.replace(/^"(.*)"$/s, '$1')]))
}

/** `$NAME`, `${NAME}` and `${NAME:-otherwise}`, of `values`; what they don't hold is empty, as Docker has it. */
export function filledIn(text: string, values: Values): string {
  return text.replace(
    /\$(?:\{(\w+)(?::-([^}]*))?\}|(\w+))/g,
    (_, braced, otherwise, plain) => values[braced ?? plain] || otherwise || '',
  )
}

/** What `HEALTHCHECK` runs: its CMD, of whose two forms it answers the words. */
export function healthcheckOf(step: Step): Pick<Step, 'form' | 'words'> {
  return stepOf(step.text, step.line)
}

/** The stages that the last one needs, it last: what BuildKit would build. */
export function neededStages({ defaults, stages }: Dockerfile, given: Values = {}): Stage[] {
  const named = new Map(stages.map((stage) => [stage.name, stage]))
  const needed = new Set<Stage>()
  const visit = (stage: Stage) => {
    const base = filledIn(stage.base, { ...defaults, ...given })
    const sources = stage.steps.flatMap(({ flags }) => flags.from ?? [])
    for (const name of [base, ...sources]) {
      const source = named.get(name)
      if (source && source !== stage) visit(source)
    }
    needed.add({ ...stage, base })
    named.delete(stage.name)
  }
  const last = stages.at(-1)
  if (last) visit(last)
  return [...needed]
}
