/** One query: what it is called in the legend, and what it asks. */
export type Target = { legend: string; expression: string }
export type Panel = { title: string; description: string; unit: Unit; targets: Target[]; kind?: 'timeseries' | 'stat' }
export type Row = { title: string; panels: Panel[] }
/** Grafana's own names of units. */
export type Unit = 'reqps' | 's' | 'percentunit' | 'short' | 'bytes' | 'ops' | 'none' | 'dateTimeFromNow'

const RATE = '[$__rate_interval]'
/** Of the namespace that was chosen. */
const HERE = 'namespace=~"$namespace"'

export const rate = (metric: string, matchers = '') =>
  `rate(${metric}{${[HERE, matchers].filter(Boolean).join(', ')}}${RATE})`
export const now = (metric: string, matchers = '') => `${metric}{${[HERE, matchers].filter(Boolean).join(', ')}}`
export const quantile = (of: number, metric: string, by: string[] = [], matchers = '') =>
  `histogram_quantile(${of}, sum by (${['le', ...by].join(', ')}) (${rate(`${metric}_bucket`, matchers)}))`
export const one = (legend: string, expression: string): Target[] => [{ legend, expression }]
export const quantiles = (metric: string, by: string[] = [], matchers = ''): Target[] =>
  [0.5, 0.99].map((of) => ({
    legend: [`p${of * 100}`, ...by.map((label) => `{{${label}}}`)].join(' '),
    expression: quantile(of, metric, by, matchers),
  }))
