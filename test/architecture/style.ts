import {
  isExportAssignment,
  isExportSpecifier,
  isFunctionLikeDeclaration,
  isIdentifier,
  isNewExpression,
  isPropertyAccessExpression,
  isPropertyAssignment,
  isPropertySignatureDeclaration,
  type Node,
  type SourceFile,
  SyntaxKind,
} from 'typescript/unstable/ast'
import { everyNode, lineOf } from './syntax.ts'

/** Lines with a default export. */
export function defaultExports(tree: SourceFile): number[] {
  const isDefault = (node: Node) =>
    isExportAssignment(node) ||
    node.kind === SyntaxKind.DefaultKeyword ||
    (isExportSpecifier(node) && node.name.text === 'default')
  return linesOf(tree, isDefault)
}

/**
 * Lines that read the environment, or could: whatever is done with `process` except taking another of its properties
 * (`const { env } = process`, handing it on), and any way round by the global object.
 */
export function environmentReads(tree: SourceFile): number[] {
  return linesOf(tree, (node) => {
    if (!isIdentifier(node) || isPropertyName(node)) return false
    if (node.text !== 'process') return ['globalThis', 'global'].includes(node.text)
    const { parent } = node
    return !isPropertyAccessExpression(parent) || ['env', 'loadEnvFile'].includes(parent.name.text)
  })
}

/** Uses of `names`, of `Math.random`, and of the clock, as text. */
export function globalsOf(tree: SourceFile, names: string[]): string[] {
  const used = everyNode(tree).filter((node) => {
    if (isPropertyAccessExpression(node)) return ['Math.random', 'Date.now'].includes(node.getText(tree))
    if (isNewExpression(node)) return node.expression.getText(tree) === 'Date' && !node.arguments?.length
    return isIdentifier(node) && names.includes(node.text) && !isPropertyName(node)
  })
  return used.map((node) => `line ${lineOf(node, tree)}: ${node.getText(tree)}`)
}

/** The `b` of `a.b`, `{ b: 1 }` and `{ b: number }`: no variable. */
function isPropertyName(node: Node): boolean {
  const { parent } = node
  if (isPropertyAccessExpression(parent)) return parent.name === node
  return (isPropertyAssignment(parent) || isPropertySignatureDeclaration(parent)) && parent.name === node
}

export function longFunctions(tree: SourceFile, maxLines: number): string[] {
  return everyNode(tree).flatMap((node) => {
    if (!isFunctionLikeDeclaration(node)) return []
    const lines = node.getText(tree).split('\n').length
    return lines > maxLines ? [`line ${lineOf(node, tree)}: ${lines} lines`] : []
  })
}

export type Text = { text: string; isLiteral: boolean; line: number }

const LITERALS = [
  SyntaxKind.StringLiteral,
  SyntaxKind.NoSubstitutionTemplateLiteral,
  SyntaxKind.TemplateHead,
  SyntaxKind.TemplateMiddle,
  SyntaxKind.TemplateTail,
]

/** Every string and name; comments may say what they like. */
export function textsOf(tree: SourceFile): Text[] {
  return everyNode(tree).flatMap((node) => {
    const isLiteral = LITERALS.includes(node.kind)
    if (!isLiteral && !isIdentifier(node)) return []
    const text = 'text' in node ? String(node.text) : ''
    return [{ text, isLiteral, line: lineOf(node, tree) }]
  })
}

const linesOf = (tree: SourceFile, isMeant: (node: Node) => boolean): number[] =>
  everyNode(tree)
    .filter(isMeant)
    .map((node) => lineOf(node, tree))
