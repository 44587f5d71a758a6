import type { MetricFamily } from './exposition.ts'

/** Ours, and those that every process has, by the names that they have everywhere. */
const PREFIX = /^(?:users|process|nodejs)_/
const SNAKE_CASE = /^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/
const BASE_UNITS = ['seconds', 'bytes', 'ratio', 'celsius', 'joules', 'volts', 'amperes', 'meters', 'grams']
const OTHER_UNITS =
  /^(?:(?:pico|nano|micro|milli|centi|kilo|kibi|mega|mebi|giga|gibi|tera|tebi)(?:seconds?|bytes?)|minutes?|hours?|days?|weeks?|bits?|percent|s|ms|us|ns|sec|b|kb|mb|gb|tb|m|h|d)$/
/** What has such a unit whatever it is called. */
const MEASURED: Record<string, string> = {
  ...{ duration: 'seconds', latency: 'seconds', delay: 'seconds', lag: 'seconds', age: 'seconds', time: 'seconds' },
  ...{ memory: 'bytes', size: 'bytes' },
}
const RESERVED_SUFFIX = /_(?:bucket|count|sum|info)$/
/** A gauge of 1 whose labels are what it tells: the one that the conventions name. */
const BUILD = 'users_build_info'
const RESERVED_LABELS = ['le', 'quantile', 'job', 'instance']

/**
 * What is wrong with names, by https://prometheus.io/docs/practices/naming/ and the rules of `promtool check metrics`; in
 * some points stricter.
 */
export function conventionFaults({ name, type, help, samples }: MetricFamily): string[] {
  const words = name.split('_')
  const ending = words.filter((word) => word !== 'total').at(-1) ?? ''
  const unit = words.find((word) => BASE_UNITS.includes(word))
  const measured = words.map((word) => MEASURED[word]).find((one) => one !== undefined)
  const labels = new Set(samples.flatMap((sample) => Object.keys(sample.labels)))
  if (type === 'histogram') labels.delete('le')
  const faults: [isFault: boolean, fault: string][] = [
    [type === '', 'no type'],
    [!/^[A-Z0-9].*[.]$/.test(help), 'help is a sentence'],
    [!SNAKE_CASE.test(name), 'not in snake case'],
    [!PREFIX.test(name), 'no prefix that says whose it is'],
    [words.some((word) => OTHER_UNITS.test(word)), 'not a base unit'],
    [unit !== undefined && ending !== unit, 'the unit comes last'],
    [measured !== undefined && ending !== measured, `without its unit, ${measured}`],
    [type === 'counter' && words.at(-1) !== 'total', 'a counter ends with _total'],
    [type !== 'counter' && words.includes('total') && !name.startsWith('nodejs_'), '_total, and no counter'],
    [type !== 'counter' && words.at(-1) === 'total', '_total, and no counter'],
    [RESERVED_SUFFIX.test(name) && name !== BUILD, 'a suffix that means something else'],
    [words.some((word) => ['counter', 'gauge', 'histogram', 'summary'].includes(word)), 'the type is no part of it'],
    ...[...labels].flatMap((label): [boolean, string][] => [
      [!SNAKE_CASE.test(label), `label ${label}: not in snake case`],
      [RESERVED_LABELS.includes(label), `label ${label}: means something else`],
    ]),
  ]
  return [...new Set(faults.filter(([isFault]) => isFault).map(([, fault]) => `${name}: ${fault}`))]
}
