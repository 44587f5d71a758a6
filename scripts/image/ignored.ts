import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Which files of a folder a .dockerignore keeps from the builder, by the rules of
 * https://docs.docker.com/build/concepts/context/#dockerignore-files: the last pattern that fits decides, `!` lets in again, a pattern
 * that fits a folder fits all in it.
 */
export function ignoredBy(text: string): (path: string) => boolean {
  const rules = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => ({ lets: line.startsWith('!'), pattern: patternOf(line.replace(/^!\s*/, '')) }))
  return (path) => rules.findLast(({ pattern }) => pattern.test(path))?.lets === false
}

/** Go's filepath.Match, and `**` for any number of folders. */
function patternOf(rule: string): RegExp {
  const clean = rule.replace(/^\/+|\/+$/g, '')
  const parts = clean
    .split('/')
    .map((part) => (part === '**' ? part : part.replace(/\*|\?|[.+^${}()|\\]/g, translated)))
  const source = parts.join('/').replaceAll('**/', '(?:.*/)?').replace(/\*\*$/, '.*')
  return new RegExp(`^${source}(?:/.*)?$`)
}

function translated(sign: string): string {
  if (sign === '*') return '[^/]*'
  return sign === '?' ? '[^/]' : `\\${sign}`
}

/** The files of `root` that reach the builder, by their paths in it, sorted. Links are listed, not followed. */
export function contextFiles(root: string, ignored: (path: string) => boolean): string[] {
  const files: string[] = []
  // Folders that hold nothing but what was made are not gone through: they are large, and no rule lets them in again.
  const within = (folder: string) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (NEVER_SOURCES.has(path)) continue
      if (entry.isDirectory()) within(path)
      else if (!ignored(path)) files.push(path)
    }
  }
  within('')
  return files.sort()
}
const NEVER_SOURCES = new Set(['node_modules', '.git', '.tools', 'var'])
