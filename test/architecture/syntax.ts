import { isStringLiteralLikeNode, type Node, type SourceFile } from 'typescript/unstable/ast'
import { createVirtualFileSystem } from 'typescript/unstable/fs'
import { API } from 'typescript/unstable/sync'

const PROJECT = '/tsconfig.json'
/** Each file by itself: nothing is resolved, checked or read from the disk. */
const OPTIONS = { noLib: true, noResolve: true, noEmit: true, types: [], allowImportingTsExtensions: true }

/**
 * The compiler's own syntax trees, in the order of `sources`. Its programming interface is still called unstable; the
 * version is pinned. One compiler process serves all, and has ended when this returns.
 */
export function parse(sources: string[]): SourceFile[] {
  const names = sources.map((_, index) => `/${index}.ts`)
  const files = Object.fromEntries(names.map((name, index) => [name, sources[index] ?? '']))
  const settings = JSON.stringify({ compilerOptions: OPTIONS, files: names })
  const api = new API({ cwd: '/', fs: createVirtualFileSystem({ ...files, [PROJECT]: settings }) })
  try {
    const [project] = api.updateSnapshot({ openProjects: [PROJECT] }).getProjects()
    // A file that the compiler did not take, or took in part, would pass every check.
    const wrong = project?.program.getSyntacticDiagnostics()[0]
    if (wrong) throw new Error(`${sources[Number.parseInt(wrong.fileName?.slice(1) ?? '', 10)]}\n${wrong.text}`)
    return names.map((name, index) => {
      const tree = project?.program.getSourceFile(name)
      if (tree === undefined || tree.text !== sources[index]) throw new Error(`no syntax tree of ${sources[index]}`)
      return tree
    })
  } finally {
    api.close()
  }
}

export function everyNode(root: Node): Node[] {
  const nodes: Node[] = []
  const visit = (node: Node): void => {
    nodes.push(node)
    node.forEachChild(visit)
  }
  visit(root)
  return nodes
}

/** The text of a string literal, or of a template without substitutions. */
export function textOf(node: Node | undefined): string | undefined {
  return node && isStringLiteralLikeNode(node) ? node.text : undefined
}

export function lineOf(node: Node, root: SourceFile): number {
  return root.text.slice(0, node.getStart(root)).split('\n').length
}
