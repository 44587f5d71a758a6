// YAML read by Helm itself, so that nothing else has to be installed for it, and what is checked is what Helm has read.

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const LIMIT_MS = 60_000
const MAX_OUTPUT_BYTES = 256 * 1024 * 1024
/** One line a file: its number, and its JSON in an encoding that YAML has no opinion on. */
const TEMPLATE = `apiVersion: v1
kind: ConfigMap
metadata: {name: read}
data:
{{- range $path, $_ := .Files.Glob "files/*" }}
  {{ base $path }}: {{ $.Files.Get $path | fromYaml | toJson | b64enc }}
{{- end }}
`

/** The documents of some YAML, without what is empty. */
export function documentsIn(text) {
  return text.split(/^---$/m).filter((part) => /^[^#\s]/m.test(part))
}

/** Each text, one document of YAML, as what it says. Throws what Helm says. */
export function readYaml(helm, texts) {
  if (texts.length === 0) return []
  const folder = mkdtempSync(join(tmpdir(), 'read-yaml-'))
  try {
    for (const part of ['files', 'templates']) mkdirSync(join(folder, part))
    writeFileSync(join(folder, 'Chart.yaml'), 'apiVersion: v2\nname: read\nversion: 0.0.0\n')
    writeFileSync(join(folder, 'templates', 'read.yaml'), TEMPLATE)
    for (const [index, text] of texts.entries()) writeFileSync(join(folder, 'files', `f${index}`), text)
    const options = { encoding: 'utf8', timeout: LIMIT_MS, maxBuffer: MAX_OUTPUT_BYTES }
    const { status, stdout, stderr } = spawnSync(helm, ['template', 'read', folder], options)
    if (status !== 0) throw new Error(`helm cannot read YAML: ${stderr}`)
    return texts.map((_, index) => readValue(stdout, index))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function readValue(rendered, index) {
  const line = new RegExp(`^ {2}f${index}: (\\S+)$`, 'm').exec(rendered)
  const value = JSON.parse(Buffer.from(line?.[1] ?? '', 'base64').toString('utf8'))
  // What fromYaml cannot read it answers as a map with the reason.
  if (typeof value.Error === 'string' && Object.keys(value).length === 1) throw new Error(value.Error)
  return value
}
