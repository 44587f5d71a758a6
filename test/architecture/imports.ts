import {
  isCallExpression,
  isExportDeclaration,
  isExternalModuleReference,
  isIdentifier,
  isImportDeclaration,
  isImportTypeNode,
  isLiteralTypeNode,
  isNewExpression,
  isPropertyAccessExpression,
  type Node,
  type SourceFile,
  SyntaxKind,
} from 'typescript/unstable/ast'
import { everyNode, lineOf, textOf } from './syntax.ts'

/** `type`: gone at run time. `url`: a file's URL, for a worker or a script. */
export type Reference = { specifier: string; kind: 'value' | 'type' | 'url'; line: number }
/** `computed`: lines that refer to something only known at run time, so that no check can follow it. */
export type References = { references: Reference[]; computed: number[] }

/** Every module that a file refers to, in whatever way. */
export const importsOf = (tree: SourceFile): References => collect(tree, moduleOf)

/**
 * The scripts that `lua(import.meta.url, 'name')` or `lua(new URL('../folder/', import.meta.url).href, 'name')` load,
 * as paths relative to the file.
 */
export const scriptsOf = (tree: SourceFile): References => collect(tree, scriptOf)

/** Without `specifier`: a reference that can't be followed. */
type Seen = { kind: Reference['kind']; specifier: string | undefined }

function collect(tree: SourceFile, see: (node: Node) => Seen | null): References {
  const found: References = { references: [], computed: [] }
  for (const node of everyNode(tree)) {
    const seen = see(node)
    if (seen === null) continue
    const line = lineOf(node, tree)
    if (seen.specifier === undefined) found.computed.push(line)
    else found.references.push({ specifier: seen.specifier, kind: seen.kind, line })
  }
  return found
}

function moduleOf(node: Node): Seen | null {
  if (isImportDeclaration(node)) {
    // `import { type X }` still loads the module.
    const typeOnly = node.importClause?.phaseModifier === SyntaxKind.TypeKeyword
    return { kind: typeOnly ? 'type' : 'value', specifier: textOf(node.moduleSpecifier) }
  }
  if (isExportDeclaration(node) && node.moduleSpecifier) {
    return { kind: node.isTypeOnly ? 'type' : 'value', specifier: textOf(node.moduleSpecifier) }
  }
  if (isImportTypeNode(node)) {
    return { kind: 'type', specifier: isLiteralTypeNode(node.argument) ? textOf(node.argument.literal) : undefined }
  }
  if (isExternalModuleReference(node)) return { kind: 'value', specifier: textOf(node.expression) }
  if (isCallExpression(node) && isLoader(node.expression)) {
    return { kind: 'value', specifier: textOf(node.arguments[0]) }
  }
  if (isNewExpression(node) && isNamed(node.expression, 'Worker')) return workerOf(node.arguments?.[0])
  const file = fileUrl(node)
  return file !== undefined && /\.[cm]?[jt]s$/.test(file) ? { kind: 'url', specifier: file } : null
}

/** `import(…)`, `require(…)`, `import.meta.resolve(…)`, `process.getBuiltinModule(…)`. */
function isLoader(callee: Node): boolean {
  if (callee.kind === SyntaxKind.ImportKeyword || isNamed(callee, 'require')) return true
  return (
    isImportMeta(callee, 'resolve') || (isPropertyAccessExpression(callee) && callee.name.text === 'getBuiltinModule')
  )
}

/** A worker's file must be one that `fileUrl` tells, which is then found by itself, or the very file that starts it. */
function workerOf(file: Node | undefined): Seen | null {
  if (fileUrl(file) !== undefined) return null
  const itself = file && isNewExpression(file) && file.arguments?.length === 1 && isImportMeta(file.arguments[0], 'url')
  return itself ? null : { kind: 'url', specifier: undefined }
}

function scriptOf(node: Node): Seen | null {
  if (!isCallExpression(node) || !isNamed(node.expression, 'lua')) return null
  const [from, name] = node.arguments
  const href = from && isPropertyAccessExpression(from) && from.name.text === 'href' ? from.expression : undefined
  const folder = isImportMeta(from, 'url') ? './' : fileUrl(href)
  const script = textOf(name)
  return { kind: 'url', specifier: folder && script && `${folder}${script}.lua` }
}

/** The text x of `new URL('x', import.meta.url)`. */
function fileUrl(node: Node | undefined): string | undefined {
  if (!node || !isNewExpression(node) || !isNamed(node.expression, 'URL')) return undefined
  const [file, base] = node.arguments ?? []
  return isImportMeta(base, 'url') ? textOf(file) : undefined
}

function isImportMeta(node: Node | undefined, property: string): boolean {
  if (!node || !isPropertyAccessExpression(node) || node.name.text !== property) return false
  return node.expression.kind === SyntaxKind.MetaProperty
}

const isNamed = (node: Node, name: string): boolean => isIdentifier(node) && node.text === name
