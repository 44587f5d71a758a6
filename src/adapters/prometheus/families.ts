import {
  Counter,
  Gauge,
  Histogram,
  type MetricObjectWithValues,
  type MetricValue,
  Registry,
} from '@prometheus-io/client'

export type MetricRegistry = Registry

/** Each process has its own, and tests as many as they like: not the client's global one. */
export function metricRegistry(): MetricRegistry {
  return new Registry()
}

/** What another thread of this process has counted, as it can be sent. */
export type SentMetrics = MetricObjectWithValues<MetricValue<string>>[]

export const sentMetrics = (registry: MetricRegistry): Promise<SentMetrics> => registry.getMetricsAsJSON()

/** What this thread has counted, with what another has. */
export function withOthers(registry: MetricRegistry, others: () => Promise<SentMetrics>) {
  return {
    contentType: registry.contentType,
    metrics: async (): Promise<string> => {
      const [ours, theirs] = await Promise.all([sentMetrics(registry), others()])
      return Registry.aggregate([ours, theirs]).metrics()
    },
  }
}

/**
 * All values that each label can have. No others: what Prometheus keeps is bounded. And all of them from the start, at 0:
 * a rate over a series that begins with its first event does not see that event.
 */
type LabelValues = Record<string, readonly string[]>
type Labels<Values extends LabelValues> = { [Label in keyof Values]: Values[Label][number] }
type Family<Values extends LabelValues> = { name: string; help: string; labels: Values }
type Plain = Omit<Family<LabelValues>, 'labels'>
/** Of the same gauge in several threads of a process: their sum, unless one of them says it for all. */
type Together = { together?: 'sum' | 'max' | 'min' }

/** Answers what counts. */
export function counter<const Values extends LabelValues>(registry: MetricRegistry, family: Family<Values>) {
  const metric = new Counter(described(registry, family))
  for (const labels of combinations(family.labels)) metric.inc(labels, 0)
  return (labels: Labels<Values>): void => metric.inc(labels)
}

/** Answers what sets it. */
export function gauge<const Values extends LabelValues>(
  registry: MetricRegistry,
  { together = 'sum', ...family }: Family<Values> & Together,
) {
  const metric = new Gauge({ ...described(registry, family), aggregator: together })
  for (const labels of combinations(family.labels)) metric.set(labels, 0)
  return (labels: Labels<Values>, value: number): void => metric.set(labels, value)
}

/**
 * Answers what observes a value, which must be finite. `buckets`: upper bounds, ascending; above them is `+Inf`. `series`:
 * all that there are, where that is less than all combinations.
 */
export function histogram<const Values extends LabelValues>(
  registry: MetricRegistry,
  { buckets, series, ...family }: Family<Values> & { buckets: number[]; series?: readonly Labels<Values>[] },
) {
  const metric = new Histogram({ ...described(registry, family), buckets })
  for (const labels of series ?? combinations(family.labels)) metric.zero(labels)
  return (labels: Labels<Values>, value: number): void => metric.observe(labels, value)
}

/** Asked for its value at each scrape. */
export function measuredGauge(
  registry: MetricRegistry,
  { together = 'sum', ...family }: Plain & Together,
  measure: () => number,
): void {
  const collect = collecting((metric: Gauge) => metric.set(measure()))
  new Gauge({ ...family, aggregator: together, registers: [registry], collect })
}

/** Tells the value of each series that has one now. */
type Tell<Values extends LabelValues> = (set: (labels: Labels<Values>, value: number) => void) => void | Promise<void>

/** Asked for all its series at each scrape. What is not told is not known: NaN, which no comparison holds for. */
export function measuredGauges<const Values extends LabelValues>(
  registry: MetricRegistry,
  { together = 'sum', ...family }: Family<Values> & Together,
  tell: Tell<Values>,
): void {
  const all = combinations(family.labels)
  const collect = collecting(async (metric: Gauge<string>) => {
    for (const labels of all) metric.set(labels, Number.NaN)
    await tell((labels, value) => metric.set(labels, value))
  })
  new Gauge({ ...described(registry, family), aggregator: together, collect })
}

/** Asked for all its series at each scrape: sums since the process began. `series`: all that there are, from the start at 0. */
export function measuredCounters<Label extends string>(
  registry: MetricRegistry,
  { name, help, series }: Omit<Plain, 'labels'> & { series: readonly Record<Label, string>[] },
  tell: (add: (labels: Record<Label, string>, value: number) => void) => void,
): void {
  const labelNames = Object.keys(series[0] ?? {})
  const collect = collecting((metric: Counter<string>) => {
    metric.reset()
    for (const labels of series) metric.inc(labels, 0)
    tell((labels, value) => metric.inc(labels, value))
  })
  new Counter({ name, help, labelNames, registers: [registry], collect })
}

/** Asked at each scrape for its sum since the process began, which never falls. */
export function measuredCounter(registry: MetricRegistry, family: Plain, measure: () => number): void {
  const collect = collecting((metric: Counter) => {
    metric.reset()
    metric.inc(measure())
  })
  new Counter({ ...family, registers: [registry], collect })
}

/** The client calls it on the metric. */
function collecting<Metric, Done extends void | Promise<void>>(update: (metric: Metric) => Done) {
  return function collect(this: Metric): Done {
    return update(this)
  }
}

function described<Values extends LabelValues>(registry: MetricRegistry, { name, help, labels }: Family<Values>) {
  return { name, help, labelNames: Object.keys(labels), registers: [registry] }
}

/** Each value of each label with each of the others. */
export function combinations<Values extends LabelValues>(values: Values): Labels<Values>[] {
  let all: Record<string, string>[] = [{}]
  for (const [label, some] of Object.entries(values)) {
    all = all.flatMap((labels) => some.map((value) => ({ ...labels, [label]: value })))
  }
  return all as Labels<Values>[]
}
