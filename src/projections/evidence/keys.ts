/**
 * Of a route since it is in its mode: the same keys for all releases, which see the same legacy application. They end by
 * themselves, also when nobody uses their epoch any more. `counts`: hash. `samples`: list, newest first.
 */
export function evidenceKeys(epoch: string, routeId: string, since: string) {
  const base = `{usr0}:${epoch}:evidence:${routeId}:${since}`
  return { counts: `${base}:counts`, samples: `${base}:samples` }
}

/** With which modes the replicas have started: JSON, by route. */
export function startsKey(epoch: string): string {
  return `{usr0}:${epoch}:evidence:starts`
}
