import { isBuiltin } from 'node:module'
import { basename, dirname, join, matchesGlob } from 'node:path/posix'
import type { SourceFile } from 'typescript/unstable/ast'
import { importsOf, type Reference, scriptsOf } from './imports.ts'
import { luaFaults } from './lua.ts'
import {
  DIALECT_NAMED_IN,
  ENVIRONMENT_READER,
  IMPURE_GLOBALS,
  LAYERS,
  type Layer,
  MAX_FILE_LINES,
  MAX_FUNCTION_LINES,
  NOT_SHARED_SQL,
  PACKAGES,
  PURE,
  SHARED_SQL_IN,
  SQLITE_KNOWN_IN,
  SQLITE_WORDS,
} from './rules.ts'
import { defaultExports, environmentReads, globalsOf, longFunctions, textsOf } from './style.ts'
import { parse } from './syntax.ts'

export const RULES = [
  'known layer',
  'layers',
  'packages',
  'followable',
  'environment',
  'pure',
  'one SQLite',
  'shared SQL',
  'script name',
  'script header',
  'script keys',
  'script used',
  'slice listed',
  'file length',
  'function length',
  'named exports',
  'endings',
] as const
export type Rule = (typeof RULES)[number]

/** `path` from the project's folder. */
export type File = { path: string; source: string }
export type Fault = { rule: Rule; path: string; what: string }
type Module = File & { tree: SourceFile }

/** What is wrong with each of several projects (one compiler reads them all). */
export function checkAll(projects: File[][]): Fault[][] {
  const modules = projects.map((files) => files.filter(({ path }) => path.endsWith('.ts')))
  const trees = parse(modules.flat().map(({ source }) => source)).values()
  return projects.map((files, index) => {
    const parsed = (modules[index] ?? []).map((file) => ({ ...file, tree: trees.next().value as SourceFile }))
    return checkProject(files, parsed)
  })
}

function checkProject(files: File[], modules: Module[]): Fault[] {
  const production = modules.filter(({ path }) => !isTest(path))
  return [
    ...files.flatMap(checkPlace),
    ...modules.flatMap((module) => [...checkEndings(module), ...checkNamedExports(module)]),
    ...production.flatMap((module) => [
      ...checkImports(module),
      ...checkSize(module),
      ...checkEnvironment(module),
      ...checkPurity(module),
      ...checkSql(module),
    ]),
    ...checkScripts(files, production),
    ...checkSlicesListed(production),
  ]
}

const isTest = (path: string): boolean => path.endsWith('.test.ts')
const matches = (path: string, globs: string[]): boolean => globs.some((glob) => matchesGlob(path, glob))

/** A test belongs where the tested file does. */
export function layerOf(file: string): { layer: Layer; slice: string | undefined } | undefined {
  const path = file.replace(/\.test\.ts$/, '.ts')
  for (const layer of Object.keys(LAYERS) as Layer[]) {
    const { files, slices }: { files: string[]; slices?: boolean } = LAYERS[layer]
    if (matches(path, files)) return { layer, slice: slices ? path.split('/')[2] : undefined }
  }
  return undefined
}

function checkPlace({ path }: File): Fault[] {
  return layerOf(path) ? [] : [{ rule: 'known layer', path, what: 'belongs to no layer' }]
}

function checkImports({ path, tree }: Module): Fault[] {
  const { references, computed } = importsOf(tree)
  const faults: Fault[] = computed.map((line) => ({ rule: 'followable', path, what: `line ${line}` }))
  for (const reference of references) {
    const { specifier, line } = reference
    const isFile = specifier.startsWith('.') || reference.kind === 'url'
    const allowed = isFile ? mayImportFile(path, reference) : mayImportPackage(path, reference)
    if (!allowed) faults.push({ rule: isFile ? 'layers' : 'packages', path, what: `line ${line}: ${specifier}` })
  }
  return faults
}

function mayImportFile(path: string, { specifier, kind }: Reference): boolean {
  const target = join(dirname(path), specifier)
  const [from, to] = [layerOf(path), layerOf(target)]
  if (!from || !to || isTest(target)) return false
  if (from.layer === to.layer && from.slice === to.slice) return true
  const names = [to.layer, `${to.layer}/${to.slice}`]
  const allowed: string[] = LAYERS[from.layer].mayImport
  return names.some((name) => allowed.includes(name) || (kind === 'type' && allowed.includes(`type ${name}`)))
}

function mayImportPackage(path: string, { specifier, kind }: Reference): boolean {
  const name = isBuiltin(specifier)
    ? `node:${specifier.replace(/^node:/, '')}`
    : specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
  const allowed = PACKAGES.filter(([files]) => matchesGlob(path, files)).flatMap(([, ...packages]) => packages)
  return allowed.includes(name) || (kind === 'type' && allowed.includes(`type ${name}`))
}

function checkEndings({ path, tree }: Module): Fault[] {
  return importsOf(tree)
    .references.filter(({ specifier }) => /^(?:\.|\/|file:|#)/.test(specifier) && !/^\.\.?\/.*\.ts$/.test(specifier))
    .map(({ specifier, line }) => ({ rule: 'endings', path, what: `line ${line}: ${specifier}` }))
}

function checkNamedExports({ path, tree }: Module): Fault[] {
  // What somebody else's package exports.
  if (path.endsWith('.d.ts')) return []
  return defaultExports(tree).map((line) => ({ rule: 'named exports', path, what: `line ${line}` }))
}

function checkSize({ path, source, tree }: Module): Fault[] {
  const lines = source.trimEnd().split('\n').length
  const functions = longFunctions(tree, MAX_FUNCTION_LINES)
  return [
    ...(lines > MAX_FILE_LINES ? [{ rule: 'file length' as const, path, what: `${lines} lines` }] : []),
    ...functions.map((what) => ({ rule: 'function length' as const, path, what })),
  ]
}

function checkEnvironment({ path, tree }: Module): Fault[] {
  if (path === ENVIRONMENT_READER) return []
  return environmentReads(tree).map((line) => ({ rule: 'environment', path, what: `line ${line}` }))
}

function checkPurity({ path, tree }: Module): Fault[] {
  if (!matches(path, PURE)) return []
  return globalsOf(tree, IMPURE_GLOBALS).map((what) => ({ rule: 'pure', path, what }))
}

function checkSql({ path, tree }: Module): Fault[] {
  const faults: Fault[] = []
  for (const { text, isLiteral, line } of textsOf(tree)) {
    const isDialectName = path === DIALECT_NAMED_IN && isLiteral && text === 'sqlite'
    const what = `line ${line}: ${text}`
    if (SQLITE_WORDS.test(text) && !isDialectName && !matches(path, SQLITE_KNOWN_IN)) {
      faults.push({ rule: 'one SQLite', path, what })
    }
    if (isLiteral && NOT_SHARED_SQL.test(text) && matchesGlob(path, SHARED_SQL_IN)) {
      faults.push({ rule: 'shared SQL', path, what })
    }
  }
  return faults
}

function checkScripts(files: File[], modules: Module[]): Fault[] {
  const scripts = files.filter(({ path }) => path.endsWith('.lua'))
  const faults: Fault[] = []
  const used = new Set<string>()
  for (const { path, tree } of modules) {
    const { references, computed } = scriptsOf(tree)
    for (const line of computed) faults.push({ rule: 'followable', path, what: `line ${line}: a script` })
    for (const { specifier, line } of references) {
      const script = join(dirname(path), specifier)
      used.add(script)
      const exists = scripts.some((file) => file.path === script)
      if (!exists) faults.push({ rule: 'script used', path, what: `line ${line}: there is no ${specifier}` })
    }
  }
  for (const { path, source } of scripts) {
    const { name, header, keys } = luaFaults(basename(path), source)
    faults.push(...name.map((what) => ({ rule: 'script name' as const, path, what })))
    faults.push(...header.map((what) => ({ rule: 'script header' as const, path, what })))
    faults.push(...keys.map((what) => ({ rule: 'script keys' as const, path, what })))
    if (!used.has(path)) faults.push({ rule: 'script used', path, what: 'no module loads it' })
  }
  return faults
}

function checkSlicesListed(modules: Module[]): Fault[] {
  const faults: Fault[] = []
  for (const layer of ['commands', 'queries', 'legacy']) {
    const index = `src/${layer}/index.ts`
    const tree = modules.find(({ path }) => path === index)?.tree
    const listed = new Set(tree && importsOf(tree).references.map(({ specifier }) => join(dirname(index), specifier)))
    const folders = new Set(modules.flatMap(({ path }) => new RegExp(`^src/${layer}/[^/]+(?=/)`).exec(path) ?? []))
    for (const path of folders) {
      const route = `${path}/route.ts`
      if (!listed.has(route)) faults.push({ rule: 'slice listed', path, what: `${index} does not import its route.ts` })
    }
  }
  return faults
}
