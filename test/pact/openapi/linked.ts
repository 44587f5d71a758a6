import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT } from '../../../scripts/openapi-breaking.ts'

/** As from that folder, though the files are the same. */
const AS_LINKED = ['--preserve-symlinks', '--preserve-symlinks-main']

/**
 * This repository in another folder, which is the caller's to remove: another version of it, in which contracts are its
 * own. With its tools, or without.
 */
export function linkedProject({ hasTools }: { hasTools: boolean }) {
  const root = mkdtempSync(join(tmpdir(), 'users-service-linked-'))
  const linked = ['node_modules', 'scripts', 'src', 'test', ...(hasTools ? ['.tools'] : [])]
  for (const name of linked) symlinkSync(join(ROOT, name), join(root, name))
  cpSync(join(ROOT, 'contracts'), join(root, 'contracts'), { recursive: true })
  writeFileSync(join(root, 'package.json'), JSON.stringify({ type: 'module', version: '999.0.0' }))
  /** Node, on a file of it or with other arguments. */
  const run = (args: string[], env: NodeJS.ProcessEnv = {}) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [...AS_LINKED, ...args], {
      encoding: 'utf8',
      env: { ...process.env, NODE_TEST_CONTEXT: undefined, ...env },
    })
    return { status, output: `${stdout}${stderr}` }
  }
  return { root, run }
}
