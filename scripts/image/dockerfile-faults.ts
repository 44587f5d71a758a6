import { type Dockerfile, filledIn, healthcheckOf, neededStages, pairsOf, type Stage, type Step } from './dockerfile.ts'

export type Expected = {
  /** The version of Node that the tests run under. */
  node: string
  /** What .dockerignore lets through. */
  contextFiles: string[]
}
type Check = (file: Dockerfile, expected: Expected) => string[]

/** What a linter can't know of our Dockerfile. Answers sentences; none when all is well. */
export function dockerfileFaults(file: Dockerfile, expected: Expected): string[] {
  return CHECKS.flatMap((check) => check(file, expected))
}

const REQUIRED_LABELS = ['title', 'description', 'version', 'revision', 'created'].map(
  (name) => `org.opencontainers.image.${name}`,
)
const at = ({ line, kind }: Step, what: string): string => `line ${line}: ${kind} ${what}`
const lastStage = ({ stages }: Dockerfile): Stage => stages.at(-1) ?? { name: '', base: '', steps: [] }
const lastOf = (file: Dockerfile, kind: string): Step | undefined =>
  lastStage(file).steps.findLast((step) => step.kind === kind)
const allSteps = ({ stages }: Dockerfile): Step[] => stages.flatMap(({ steps }) => steps)

/** A shell is told of SIGTERM, and tells nobody. */
const wordsNotShell: Check = (file) =>
  ['ENTRYPOINT', 'CMD', 'HEALTHCHECK'].flatMap((kind) => {
    const step = lastOf(file, kind)
    if (!step) return [`the last stage has no ${kind}`]
    const { form } = kind === 'HEALTHCHECK' ? healthcheckOf(step) : step
    return form === 'exec' ? [] : [at(step, 'is in shell form')]
  })

/** Kubernetes can check `runAsNonRoot` of a number only. */
const numericUser: Check = (file) => {
  const step = lastOf(file, 'USER')
  if (!step) return ['the last stage runs as root']
  return /^[1-9]\d{3,}:[1-9]\d{3,}$/.test(step.text)
    ? []
    : [at(step, 'is not a number:number of a user other than root')]
}

/** Before USER nothing of the service may run; after it nothing can be written that the user may not change. */
const nothingAfterUser: Check = (file) => {
  const steps = lastStage(file).steps
  const user = steps.findIndex(({ kind }) => kind === 'USER')
  return steps
    .slice(user + 1)
    .filter(({ kind }) => user >= 0 && ['RUN', 'COPY'].includes(kind))
    .map((step) => at(step, 'after USER'))
}

const basesPinned: Check = ({ defaults, stages }, { node }) => {
  const named = new Set(stages.map(({ name }) => name))
  return stages.flatMap(({ base, name }) => {
    const image = filledIn(base, defaults)
    if (named.has(image)) return []
    const [, variable] = /^\$\{(\w+)\}$/.exec(base) ?? []
    if (variable === undefined) return [`stage ${name}: ${base} can't be pinned by a build argument`]
    const [repository = '', tag] = image.split(':')
    if (tag === undefined || tag === 'latest') return [`stage ${name}: ${image} has no tag`]
    return repository === 'node' && !tag.startsWith(`${node}-`) ? [`stage ${name}: ${image} is not Node ${node}`] : []
  })
}

const installs: Check = (file) =>
  allSteps(file).flatMap((step) => {
    if (step.kind === 'ADD') return [at(step, 'fetches or unpacks what nobody has looked at')]
    if (step.kind !== 'RUN') return []
    const missing = ['--omit=dev', '--ignore-scripts'].filter((option) => !step.text.includes(option))
    if (/\bnpm (install|i)\b/.test(step.text)) return [at(step, 'does not install what the lock file says')]
    return /\bnpm ci\b/.test(step.text) ? missing.map((option) => at(step, `npm ci without ${option}`)) : []
  })

const copiesExist: Check = (file, { contextFiles }) =>
  allSteps(file).flatMap((step) => {
    if (step.kind !== 'COPY' || step.flags.from) return []
    const gone = step.words
      .slice(0, -1)
      .filter((source) => !contextFiles.some((path) => `${path}/`.startsWith(`${source}/`)))
    return gone.map((source) => at(step, `${source}: it does not exist, or .dockerignore keeps it back`))
  })

const labelled: Check = (file) => {
  const step = lastOf(file, 'LABEL')
  const labels = step ? pairsOf(step) : {}
  return REQUIRED_LABELS.filter((name) => !labels[name]).map((name) => `the label ${name} is missing`)
}

/** What stands in an image is everybody's who can pull it. */
const noSecrets: Check = (file) =>
  allSteps(file).flatMap((step) => {
    if (step.kind !== 'ENV' && step.kind !== 'ARG') return []
    return Object.keys(pairsOf(step))
      .filter((name) => /PASSWORD|SECRET|TOKEN|_KEY$/.test(name))
      .map((name) => at(step, `${name} would stay in the image`))
  })

const bothKinds: Check = (file) =>
  ['0', '1'].flatMap((given) => {
    const names = neededStages(file, { WITH_INFORMIX: given }).map(({ name }) => name)
    return names.includes(`packages-${given}`) ? [] : [`WITH_INFORMIX=${given} does not choose stage packages-${given}`]
  })

const CHECKS: Check[] = [
  ...[wordsNotShell, numericUser, nothingAfterUser, basesPinned, installs],
  ...[copiesExist, labelled, noSecrets, bothKinds],
]
