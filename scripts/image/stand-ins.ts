import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { findOnPath, run } from '../setup-tools.mjs'
import { buildImage } from './build.ts'
import { parseDockerfile } from './dockerfile.ts'
import type { Bound } from './mounts.ts'

type Tools = { root: string; write(text: string): void }

const DEBIAN = 'trixie'
/** What the slim image leaves out, and how it keeps apt from leaving things behind. */
const AS_SLIM = [
  ...['man', 'doc', 'locale', 'info'].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
  ...['pkgcache', 'srcpkgcache'].map((name) => `--aptopt=Dir::Cache::${name} ""`),
  '--customize-hook=rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin',
]
/** The official image of Node has, beside Node and npm, this one library more than the Debian under it. */
const NODE_STAND_IN = `FROM debian
RUN apt-get update && apt-get install -y --no-install-recommends libatomic1 && rm -rf /var/lib/apt/lists/*
`
const folderOf = (root: string): string => join(root, '.tools', 'image')

/** Why there is no Debian to build on, or undefined. Where it is fetched, that takes a minute. */
export function ensureDebian({ root, write }: Tools): string | undefined {
  if (existsSync(join(folderOf(root), DEBIAN))) return undefined
  const [env, quiet] = [process.env, { cwd: root, env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } }]
  if (!findOnPath('mmdebstrap', env.PATH) && findOnPath('apt-get', env.PATH)) {
    const install = () => run('apt-get', ['install', '-y', '--no-install-recommends', 'mmdebstrap'], quiet)
    // The lists of a fresh machine are empty.
    step(write, "Installing Debian's mmdebstrap", () => install() && (run('apt-get', ['update'], quiet) ?? install()))
  }
  return step(write, `Fetching Debian ${DEBIAN}`, () =>
    whole(join(folderOf(root), DEBIAN), (folder) =>
      run('mmdebstrap', ['--variant=minbase', '--quiet', ...AS_SLIM, DEBIAN, join(folder, 'files')], quiet),
    ),
  )
}

/**
 * In place of the images of a registry: Debian, as its own packages make it, and on it the Node and npm of this machine. Throws for any
 * other name.
 */
export function standIns({ root, write }: Tools, seen: { bound: Bound[]; env: Record<string, string> }) {
  const debian = join(folderOf(root), DEBIAN)
  const node = join(folderOf(root), `node-${process.versions.node}`)
  return (name: string): string[] => {
    const [kind, tag = ''] = name.split(':')
    const plain = tag.replace(/@.*/, '')
    if (kind === 'debian' && plain === `${DEBIAN}-slim`) return [debian]
    if (kind !== 'node' || plain !== `${process.versions.node}-${DEBIAN}-slim`)
      throw new Error(
        `There is no stand-in for ${name}, but of node:${process.versions.node}-${DEBIAN}-slim and debian:${DEBIAN}-slim.`,
      )
    if (!existsSync(node)) {
      const failure = step(write, 'Making a stand-in for the image of Node', () =>
        whole(node, (folder) => makeNode(folder, debian, seen)),
      )
      if (failure) throw new Error(failure)
    }
    return [node, debian]
  }
}

function makeNode(folder: string, debian: string, seen: { bound: Bound[]; env: Record<string, string> }): undefined {
  const { added } = buildImage({
    ...{ dockerfile: parseDockerfile(NODE_STAND_IN), buildArgs: {}, secrets: {}, cache: folder, folder, ...seen },
    context: { root: folder, files: [] },
    imageOf: () => [debian],
    note: () => undefined,
  })
  const local = join(added, 'usr', 'local')
  for (const each of ['bin', 'lib/node_modules']) mkdirSync(join(local, each), { recursive: true })
  cpSync(realpathSync(process.execPath), join(local, 'bin', 'node'))
  const npm = findOnPath('npm', process.env.PATH)
  if (npm === undefined) throw new Error('npm is not on the PATH')
  cpSync(dirname(dirname(realpathSync(npm))), join(local, 'lib', 'node_modules', 'npm'), {
    recursive: true,
    verbatimSymlinks: true,
  })
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(local, 'bin', 'npm'))
  renameSync(added, join(folder, 'files'))
}

/** Made beside its place and moved there whole. What is made in the folder that `make` is given is what `files` in it holds. */
function whole(target: string, make: (folder: string) => string | undefined): string | undefined {
  mkdirSync(dirname(target), { recursive: true })
  const folder = mkdtempSync(join(dirname(target), 'making-'))
  try {
    const failure = make(folder)
    if (failure === undefined) renameSync(join(folder, 'files'), target)
    return failure
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function step(write: Tools['write'], what: string, work: () => string | undefined): string | undefined {
  write(`${what} ... `)
  const failure = work()
  write(failure === undefined ? 'done\n' : 'failed\n')
  return failure
}
