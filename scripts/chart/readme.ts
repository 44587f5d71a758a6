// charts/users-service/README.md, out of the comments of values.yaml. Values are read line by line, as they are written there:
// two blanks a level, the comment above its value, lists and small maps in one line.

type Value = { path: string; fallback: string; meaning: string }

/** The part of the README that is made; what stands above it is written by hand. */
export const MADE_FROM_HERE = '## Values\n'

/** The whole document, with the values anew. */
export function withValues(document: string, values: string): string {
  const [introduction = ''] = document.split(MADE_FROM_HERE, 1)
  const rows = valuesIn(values).map(({ path, fallback, meaning }) => {
    const shown = fallback === '' ? '' : `\`${fallback}\``
    return `| \`${path}\` | ${shown} | ${meaning} |`
  })
  return `${introduction}${MADE_FROM_HERE}
Made from [values.yaml](values.yaml) by \`make docs-chart\`. A group that has a meaning of its own stands above its values.

| value | default | meaning |
|---|---|---|
${rows.join('\n')}
`
}

/** Throws the name of a value that says nothing of itself, and lines that are written otherwise. */
export function valuesIn(text: string): Value[] {
  const found: Value[] = []
  const path: string[] = []
  let comment: string[] = []
  // The file's own comment ends with its first empty line.
  for (const line of text.slice(text.indexOf('\n\n')).split('\n')) {
    const [, indent = '', rest = ''] = /^( *)(.*)$/.exec(line) ?? []
    if (rest.startsWith('#')) comment.push(rest.replace(/^# ?/, ''))
    if (rest === '') comment = []
    if (rest === '' || rest.startsWith('#')) continue
    const [, key, fallback = ''] = /^([\w-]+):(?: (.+))?$/.exec(rest) ?? []
    if (key === undefined) throw new Error(`values.yaml: not in one line: ${line}`)
    path.splice(indent.length / 2, Number.POSITIVE_INFINITY, key)
    const name = path.join('.')
    if (comment.length === 0 && fallback !== '') throw new Error(`values.yaml: ${name} says nothing of itself`)
    if (comment.length > 0) found.push({ path: name, fallback, meaning: comment.join(' ').replaceAll('|', '\\|') })
    comment = []
  }
  return found
}
