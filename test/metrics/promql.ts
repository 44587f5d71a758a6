import type { Registered } from '../../scripts/metrics/registered.ts'

export type Matcher = { label: string; operator: string; value: string }
export type Selector = { name: string; matchers: Matcher[] }
/** `grouped`: labels that are named outside selectors. */
export type Promql = { selectors: Selector[]; grouped: string[] }

const GROUPING = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g
const SELECTOR = /([a-zA-Z_:][\w:]*)\s*(?:\{((?:[^}"]|"(?:[^"\\]|\\.)*")*)\}|(?![\w:]*\s*\())/g
const MATCHER = /([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"/g
const WORDS = new Set(['and', 'or', 'unless', 'bool', 'offset', 'inf', 'nan'])
/** What Prometheus puts beside a series, about where it was read. */
const TARGET_LABELS = ['job', 'instance', 'namespace', 'pod', 'container', 'service']
const OPEN_LABELS = ['route', 'method', 'version', 'schema', 'epoch', 'node']
const HISTOGRAM_PARTS = ['_bucket', '_sum', '_count']

/** What an expression names. Reads no further than that: whether it is PromQL, promtool says. */
export function readPromql(expression: string): Promql {
  const grouped: string[] = []
  const rest = expression
    .replace(GROUPING, (_, labels: string) => {
      grouped.push(
        ...labels
          .split(',')
          .map((label) => label.trim())
          .filter((label) => label !== ''),
      )
      return ' '
    })
    .replace(/\[[^\]]*\]|\boffset\s+\w+/g, ' ')
  const selectors = [...rest.matchAll(SELECTOR)]
    .map(([, name = '', matchers = '']) => ({
      name,
      matchers: [...matchers.matchAll(MATCHER)].map(([, label = '', operator = '', value = '']) => ({
        label,
        operator,
        value,
      })),
    }))
    .filter(({ name }) => !WORDS.has(name.toLowerCase()))
  return { selectors, grouped }
}

/** What of an expression names nothing that is there. */
export function promqlFaults(expression: string, registered: readonly Registered[]): string[] {
  const { selectors, grouped } = readPromql(expression)
  const metrics = selectors.map((selector) => ({ selector, metric: metricOf(selector.name, registered) }))
  const faults = metrics.flatMap(({ selector, metric }) =>
    metric === undefined
      ? [`no metric ${selector.name}`]
      : selector.matchers.flatMap((matcher) => matcherFaults(selector.name, metric, matcher)),
  )
  const known = new Set(metrics.flatMap(({ selector, metric }) => (metric ? labelsOf(selector.name, metric) : [])))
  const unknown = grouped.filter((label) => !known.has(label)).map((label) => `no metric here has label ${label}`)
  return [...faults, ...(selectors.length === 0 ? ['no metric'] : []), ...unknown]
}

function metricOf(name: string, registered: readonly Registered[]): Registered | undefined {
  return registered.find((metric) =>
    metric.type === 'histogram'
      ? HISTOGRAM_PARTS.some((part) => name === `${metric.name}${part}`)
      : name === metric.name,
  )
}

function labelsOf(name: string, { type, labels }: Registered): string[] {
  return [...labels.keys(), ...TARGET_LABELS, ...(type === 'histogram' && name.endsWith('_bucket') ? ['le'] : [])]
}

function matcherFaults(name: string, metric: Registered, { label, operator, value }: Matcher): string[] {
  if (!labelsOf(name, metric).includes(label)) return [`${name} has no label ${label}`]
  const values = metric.labels.get(label)
  // A variable of a dashboard, or what a site or a scrape has.
  if (values === undefined || OPEN_LABELS.includes(label) || value.startsWith('$')) return []
  const wanted = operator.endsWith('~') ? value.split('|') : [value]
  return wanted.filter((one) => !values.has(one)).map((one) => `${name}: ${label} is never ${one}`)
}
