import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client'

export type MetricRegistry = Registry

/** Each process has its own, and tests as many as they like: not the client's global one. */
export function metricRegistry(): MetricRegistry {
  return new Registry()
}

/**
 * All values that each label can have. No others: what Prometheus keeps is bounded. And all of them from the start, at 0:
 * a rate over a series that begins with its first event does not see that event.
 */
type LabelValues = Record<string, readonly string[]>
type Labels<Values extends LabelValues> = { [Label in keyof Values]: Values[Label][number] }
type Family<Values extends LabelValues> = { name: string; help: string; labels: Values }
type Plain = Omit<Family<LabelValues>, 'labels'>

/** Answers what counts. */
export function counter<const Values extends LabelValues>(registry: MetricRegistry, family: Family<Values>) {
  const metric = new Counter(described(registry, family))
  for (const labels of combinations(family.labels)) metric.inc(labels, 0)
  return (labels: Labels<Values>): void => metric.inc(labels)
}

/** Answers what sets it. */
export function gauge<const Values extends LabelValues>(registry: MetricRegistry, family: Family<Values>) {
  const metric = new Gauge(described(registry, family))
  for (const labels of combinations(family.labels)) metric.set(labels, 0)
  return (labels: Labels<Values>, value: number): void => metric.set(labels, value)
}

/** Answers what observes a value, which must be finite. `buckets`: upper bounds, ascending; above them is `+Inf`. */
export function histogram<const Values extends LabelValues>(
  registry: MetricRegistry,
  { buckets, ...family }: Family<Values> & { buckets: number[] },
) {
  const metric = new Histogram({ ...described(registry, family), buckets })
  for (const labels of combinations(family.labels)) metric.zero(labels)
  return (labels: Labels<Values>, value: number): void => metric.observe(labels, value)
}

/** Asked for its value at each scrape. */
export function measuredGauge(registry: MetricRegistry, family: Plain, measure: () => number): void {
  new Gauge({ ...family, registers: [registry], collect: collecting((metric: Gauge) => metric.set(measure())) })
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
function collecting<Metric>(update: (metric: Metric) => void) {
  return function collect(this: Metric): void {
    update(this)
  }
}

function described<Values extends LabelValues>(registry: MetricRegistry, { name, help, labels }: Family<Values>) {
  return { name, help, labelNames: Object.keys(labels), registers: [registry] }
}

function combinations<Values extends LabelValues>(values: Values): Labels<Values>[] {
  let all: Record<string, string>[] = [{}]
  for (const [label, some] of Object.entries(values)) {
    all = all.flatMap((labels) => some.map((value) => ({ ...labels, [label]: value })))
  }
  return all as Labels<Values>[]
}
