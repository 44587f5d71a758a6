import { MODES, type ModeName } from '../../domain/strangler.ts'
import { COMPARISONS, type StranglerObserver } from '../../ports/strangler.ts'
import { counter, gauge, histogram, type MetricRegistry } from './families.ts'

const MS_A_SECOND = 1_000

/** From what we take when the answer is near, to what the legacy application may take at most by default. */
const ANSWER_BUCKETS_SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30]

export type StranglerMetrics = StranglerObserver & {
  /** The mode that a route is in now. */
  inMode(routeId: string, mode: ModeName, percent: number | null): void
  /** A canary was set back by this process itself. */
  parachuteOpened(routeId: string): void
}

/** The endpoints of the legacy application that are taken over. `routes`: all of their ids. */
export function stranglerMetrics(registry: MetricRegistry, routes: readonly string[]): StranglerMetrics {
  const answers = histogram(registry, {
    name: 'users_strangler_answer_duration_seconds',
    help: 'How long the heads of answers took to come, by who answered.',
    labels: { route: routes, answered_by: ['legacy', 'native'] },
    buckets: ANSWER_BUCKETS_SECONDS,
  })
  const failures = counter(registry, {
    name: 'users_strangler_failures_total',
    help: 'Answers of 5xx, and requests without one, by who was to answer.',
    labels: { route: routes, answered_by: ['legacy', 'native'] },
  })
  const comparisons = counter(registry, {
    name: 'users_strangler_comparisons_total',
    help: 'Comparisons of our answers with those of the legacy application, by how they ended.',
    labels: { route: routes, outcome: COMPARISONS },
  })
  const parachutes = counter(registry, {
    name: 'users_strangler_parachutes_total',
    help: 'Times that a process has set a canary back by itself, and nobody by hand.',
    labels: { route: routes },
  })
  const modes = gauge(registry, {
    name: 'users_strangler_mode',
    help: 'Who answers a route: 1 for the mode that it is in.',
    labels: { route: routes, mode: MODES },
  })
  const shares = gauge(registry, {
    name: 'users_strangler_native_ratio',
    help: 'Which part of a route’s clients is answered here, 0 to 1.',
    labels: { route: routes },
  })
  return {
    answered(route, answered_by, failed, ms) {
      answers({ route, answered_by }, ms / MS_A_SECOND)
      if (failed) failures({ route, answered_by })
    },
    compared: (route, outcome) => comparisons({ route, outcome }),
    // Its own metrics count these calls, with all others.
    asked: () => undefined,
    parachuteOpened: (route) => parachutes({ route }),
    inMode(route, mode, percent) {
      for (const one of MODES) modes({ route, mode: one }, one === mode ? 1 : 0)
      shares({ route }, mode === 'canary' ? (percent ?? 0) / 100 : mode === 'native' ? 1 : 0)
    },
  }
}
