import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { buildImage, type Image } from '../../scripts/image/build.ts'
import { type Dockerfile, parseDockerfile } from '../../scripts/image/dockerfile.ts'
import { contextFiles, ignoredBy } from '../../scripts/image/ignored.ts'
import { type Bound, mountsMissing } from '../../scripts/image/mounts.ts'
import { ensureDebian, standIns } from '../../scripts/image/stand-ins.ts'

export const ROOT = join(import.meta.dirname, '..', '..')
/** On the disk: layers can't be laid over memory, and a temporary folder may be that. */
const SCRATCH = join(ROOT, '.tools', 'image')
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt'
const CERTIFICATES_INSIDE = '/run/certificates.crt'

/** How this machine reaches its registries, which a builder is told by its own settings. */
const BOUND: Bound[] = [
  { from: '/etc/resolv.conf', at: '/etc/resolv.conf', readOnly: true },
  { from: '/etc/hosts', at: '/etc/hosts', readOnly: true },
  { from: CERTIFICATES, at: CERTIFICATES_INSIDE, readOnly: true },
]
const PASSED = /^((https?|no|all)_proxy|pip_(index_url|extra_index_url|trusted_host)|npm_config_registry)$/i

export type Rig = {
  image: Image
  folder: string
  /** Files that must be in it, as they were when it was built. */
  wanted: string[]
  close(): void
}

export const dockerfile = (): Dockerfile => parseDockerfile(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'))
export const context = (): { root: string; files: string[] } => ({
  root: ROOT,
  files: contextFiles(ROOT, ignoredBy(readFileSync(join(ROOT, '.dockerignore'), 'utf8'))),
})

/** By rules of their own, so that a .dockerignore that keeps too much back is seen. */
export function wantedFiles(): string[] {
  const found = globSync('{bin,db,src,workers}/**', { cwd: ROOT, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )
  const paths = found.map(({ parentPath, name }) => join(parentPath, name).slice(ROOT.length + 1))
  return paths.filter((path) => !/\.(test\.ts|md)$/.test(path))
}

/** Why it can't be rehearsed here, or undefined. */
export function rehearsalMissing(write: (text: string) => void): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'it needs Linux and root'
  mkdirSync(SCRATCH, { recursive: true })
  const folder = mkdtempSync(join(SCRATCH, 'try-'))
  try {
    return mountsMissing(folder) ?? ensureDebian({ root: ROOT, write })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export function build(buildArgs: Record<string, string>, write: (text: string) => void): Rig {
  const folder = mkdtempSync(join(SCRATCH, 'build-'))
  const close = () => rmSync(folder, { recursive: true, force: true })
  const certificates = existsSync(CERTIFICATES)
    ? Object.fromEntries(
        ['NODE_EXTRA_CA_CERTS', 'PIP_CERT', 'SSL_CERT_FILE'].map((name) => [name, CERTIFICATES_INSIDE]),
      )
    : {}
  const env = {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => PASSED.test(name))),
    ...certificates,
  }
  const wanted = wantedFiles()
  const seen = { bound: BOUND, env: env as Record<string, string> }
  try {
    const image = buildImage({
      ...{ dockerfile: dockerfile(), buildArgs, context: context(), folder, ...seen },
      imageOf: standIns({ root: ROOT, write }, seen),
      secrets: { npmrc: join(homedir(), '.npmrc'), pip: '/etc/pip.conf' },
      cache: join(SCRATCH, 'cache'),
      note: (line) => write(`${line}\n`),
    })
    return { image, folder, wanted, close }
  } catch (error) {
    close()
    throw error
  }
}
