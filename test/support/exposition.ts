export type Sample = { name: string; labels: Record<string, string>; value: number }
export type MetricFamily = { name: string; type: string; help: string; samples: Sample[] }

const HELP = /^# HELP (\S+) (.+)$/
const TYPE = /^# TYPE (\S+) (counter|gauge|histogram|summary)$/
const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.+)\})? (\S+)$/
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"(?:,|$)/y

/**
 * Reads Prometheus' text format 0.0.4, strictly: throws at a line that is not understood, a sample that is not beneath its
 * family, or a series that stands there twice (https://prometheus.io/docs/instrumenting/exposition_formats/).
 */
export function readExposition(text: string): MetricFamily[] {
  if (!text.endsWith('\n')) throw new Error('the last line does not end')
  const families = new Map<string, MetricFamily>()
  const series = new Set<string>()
  let family: MetricFamily | undefined
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const [, helped, help] = HELP.exec(line) ?? []
    const [, typed, type] = TYPE.exec(line) ?? []
    if (helped && help) {
      if (families.has(helped)) throw new Error(`twice: ${helped}`)
      family = { name: helped, type: '', help, samples: [] }
      families.set(helped, family)
    } else if (typed && type) {
      if (family?.name !== typed || family.type !== '') throw new Error(`not beneath its help: ${line}`)
      family.type = type
    } else {
      const sample = readSample(line)
      if (!family || !namesOf(family).includes(sample.name)) throw new Error(`not beneath its family: ${line}`)
      const key = `${sample.name} ${JSON.stringify(Object.entries(sample.labels).sort())}`
      if (series.has(key)) throw new Error(`twice: ${line}`)
      series.add(key)
      family.samples.push(sample)
    }
  }
  return [...families.values()]
}

function readSample(line: string): Sample {
  const [, name = '', list = '', number = ''] = SAMPLE.exec(line) ?? []
  const labels: Record<string, string> = {}
  LABEL.lastIndex = 0
  let read = 0
  for (let one = LABEL.exec(list); one; one = LABEL.exec(list)) {
    labels[one[1] ?? ''] = one[2] ?? ''
    read = LABEL.lastIndex
  }
  const value = number === '+Inf' ? Number.POSITIVE_INFINITY : Number(number)
  // What is not known is NaN.
  if (name === '' || read !== list.length || (Number.isNaN(value) && !/^nan$/i.test(number)))
    throw new Error(`not understood: ${line}`)
  return { name, labels, value }
}

function namesOf({ name, type }: MetricFamily): string[] {
  return type === 'histogram' ? ['bucket', 'sum', 'count'].map((part) => `${name}_${part}`) : [name]
}

/** The value of one series. Throws when there is no such. */
export function seriesValue(text: string, name: string, labels: Record<string, string> = {}): number {
  const wanted = JSON.stringify(Object.entries(labels).sort())
  const found = readExposition(text)
    .flatMap(({ samples }) => samples)
    .find((sample) => sample.name === name && JSON.stringify(Object.entries(sample.labels).sort()) === wanted)
  if (!found) throw new Error(`no series ${name} ${wanted}`)
  return found.value
}
