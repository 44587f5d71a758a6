import { cpSync, existsSync, mkdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { type Dockerfile, filledIn, neededStages, pairsOf, type Stage, type Step, type Values } from './dockerfile.ts'
import { type Bound, type Layers, mounting, quoted, runInMounts } from './mounts.ts'

export type BuildOptions = {
  dockerfile: Dockerfile
  buildArgs: Values
  /** The folder that `docker build` would be given, and those of its files that reach the builder. */
  context: { root: string; files: string[] }
  /** Stand-ins for the images of registries: the folders that make one up, the lowest last. */
  imageOf(name: string): string[]
  /** Empty, and not on an overlay itself. */
  folder: string
  /** Files of this machine for `RUN --mount=type=secret,id=…`. */
  secrets: Values
  /** For `RUN --mount=type=cache`; kept. */
  cache: string
  /** What every RUN sees of this machine: how names are resolved, and whose certificates are believed. */
  bound: Bound[]
  env: Readonly<Record<string, string>>
  note(line: string): void
}
/** What the last stage says of the container, and its files. */
export type Image = { layers: string[]; added: string; env: Record<string, string>; workdir: string; steps: Step[] }

type Built = { lowers: string[]; upper: string; env: Record<string, string>; workdir: string; user: string }
/** Where BuildKit puts a secret for which no target is named: https://docs.docker.com/reference/dockerfile/#run---mounttypesecret */
const SECRETS = '/run/secrets'
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Carries out what a Dockerfile says, as `docker build` does: each RUN in the files of its stage. Throws with what failed. */
export function buildImage(options: BuildOptions): Image {
  const built = new Map<string, Built>()
  const stages = neededStages(options.dockerfile, options.buildArgs)
  for (const stage of stages) built.set(stage.name, buildStage(stage, built, options))
  const last = stages.at(-1)
  const image = built.get(last?.name ?? '')
  if (!last || !image) throw new Error('The Dockerfile has no stage.')
  const { lowers, upper, env, workdir } = image
  return { layers: [upper, ...lowers], added: upper, env, workdir, steps: last.steps }
}

function buildStage(stage: Stage, built: Map<string, Built>, options: BuildOptions): Built {
  const parent = built.get(stage.base)
  const upper = join(options.folder, stage.name, 'files')
  for (const folder of ['files', 'work', 'root', 'from', 'empty'])
    mkdirSync(join(dirname(upper), folder), { recursive: true })
  const state: Built = {
    lowers: parent ? [parent.upper, ...parent.lowers] : options.imageOf(stage.base),
    upper,
    env: { PATH: DEFAULT_PATH, ...parent?.env },
    workdir: parent?.workdir ?? '/',
    user: parent?.user ?? '0:0',
  }
  const values: Record<string, string> = {}
  for (const step of stage.steps) {
    const started = Date.now()
    try {
      takeStep(step, { state, values, built, options })
    } catch (error) {
      throw new Error(`Dockerfile, line ${step.line}: ${step.kind} ${step.text}\n${(error as Error).message}`)
    }
    if (step.kind === 'RUN') options.note(`${stage.name}: ${step.text.slice(0, 70)} … ${Date.now() - started} ms`)
  }
  return state
}

type Context = { state: Built; values: Record<string, string>; built: Map<string, Built>; options: BuildOptions }

function takeStep(step: Step, context: Context): void {
  const { state, values, options } = context
  const known = { ...values, ...state.env }
  switch (step.kind) {
    case 'ARG':
      // What is given when building goes before the default; one from before the first FROM is known when it is named again.
      for (const [name, value] of Object.entries(pairsOf(step)))
        values[name] = options.buildArgs[name] ?? (filledIn(value, known) || (options.dockerfile.defaults[name] ?? ''))
      return
    case 'ENV':
      for (const [name, value] of Object.entries(pairsOf(step))) state.env[name] = filledIn(value, known)
      return
    case 'WORKDIR':
      state.workdir = resolve(state.workdir, filledIn(step.text, known))
      mkdirSync(join(state.upper, state.workdir), { recursive: true })
      return
    case 'USER':
      state.user = filledIn(step.text, known)
      return
    case 'COPY':
      copy(step, context)
      return
    case 'RUN':
      run(step, context)
      return
    case 'ADD':
    case 'SHELL':
    case 'VOLUME':
      throw new Error('it is not known here')
  }
}

const layersOf = ({ lowers, upper }: Built): Layers => ({
  lowers,
  upper: { folder: upper, work: join(dirname(upper), 'work') },
})
const rootOf = ({ upper }: Built): string => join(dirname(upper), 'root')

function run(step: Step, { state, values, options }: Context): void {
  const [uid = '0', gid = uid] = state.user.split(':')
  const command = step.form === 'exec' ? step.words : ['sh', '-c', step.text]
  const within = `cd ${quoted(state.workdir)} && exec "$@"`
  const bound = [...options.bound, ...(step.flags.mount ?? []).map((mount) => boundOf(mount, options))]
  const env = { HOME: uid === '0' ? '/root' : '/', ...options.env, ...values, ...state.env }
  const as = ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups']
  const words = ['env', '-i', ...Object.entries(env).map(([name, value]) => `${name}=${value}`), ...as]
  const inside = [...words, 'sh', '-c', within, 'sh', ...command].map(quoted).join(' ')
  runInMounts({ root: rootOf(state), script: `${mounting(layersOf(state), bound)}\nexec chroot "$ROOT" ${inside}` })
}

/** `type=secret,id=npmrc` and `type=cache,target=/var/cache/npm`. A secret that isn't given is left out. */
function boundOf(mount: string, { secrets, cache }: BuildOptions): Bound {
  const {
    type,
    id = '',
    target = `${SECRETS}/${id}`,
  } = Object.fromEntries(mount.split(',').map((part) => part.split('=')))
  if (type === 'secret') return { from: secrets[id] ?? '', at: target, readOnly: true }
  if (type !== 'cache') throw new Error(`RUN --mount=type=${type} is not known here`)
  const from = join(cache, target.replaceAll('/', '-'))
  mkdirSync(from, { recursive: true })
  return { from, at: target }
}

/** Without --chown all is root's, whoever had it before. */
function copy(step: Step, { state, built, options, values }: Context): void {
  const words = step.words.map((word) => filledIn(word, { ...values, ...state.env }))
  const target = words.at(-1) ?? ''
  const sources = words.slice(0, -1)
  const [from] = step.flags.from ?? []
  const stage = from === undefined ? contextStage(sources, options) : built.get(from)
  if (!stage) throw new Error(`there is no stage ${from}`)
  const at = join('/', resolve(state.workdir, target), target.endsWith('/') ? '/' : '')
  const seen = join(dirname(state.upper), 'from')
  const lines = sources.map((source) => {
    const path = `${quoted(seen)}${quoted(resolve('/', source))}`
    // A folder's contents go into the target; a file becomes the target, or goes into it where it ends with a slash.
    return `if [ -d ${path} ]; then mkdir -p "$ROOT"${quoted(at)}; cp -a --no-preserve=ownership ${path}/. "$ROOT"${quoted(at)}
else mkdir -p "$(dirname "$ROOT"${quoted(`${at}x`)})"; cp -a --no-preserve=ownership ${path} "$ROOT"${quoted(at)}; fi`
  })
  const lowers = [stage.upper, ...stage.lowers]
  const under = lowers.length > 1 ? lowers : [...lowers, join(dirname(state.upper), 'empty')]
  const source = `mount -t overlay overlay -o lowerdir=${under.join(':')} ${quoted(seen)}`
  runInMounts({ root: rootOf(state), script: [source, mounting(layersOf(state), []), ...lines].join('\n') })
}

/** The context as if it were a stage: only what .dockerignore lets through is in it. */
function contextStage(sources: string[], { context, folder }: BuildOptions): Pick<Built, 'upper' | 'lowers'> {
  const upper = join(folder, 'context')
  for (const source of sources) {
    const clean = source.replace(/^\.?\/|\/$/g, '')
    const files = context.files.filter((file) => clean === '.' || file === clean || file.startsWith(`${clean}/`))
    if (files.length === 0) throw new Error(`${source} is not in the context, or .dockerignore keeps it back`)
    for (const file of files) {
      const target = join(upper, file)
      if (existsSync(target)) continue
      mkdirSync(dirname(target), { recursive: true })
      cpSync(join(context.root, file), target, { verbatimSymlinks: true })
    }
  }
  return { upper, lowers: [] }
}
