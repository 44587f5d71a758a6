import type { Ending, Pod } from './kubelet.ts'
import type { Component, Stage } from './stage.ts'

export type Ended = { name: string } & Ending

/** As a Deployment goes on to its next revision: with `maxUnavailable` 0 none is taken away before another is ready. */
export async function rollDeployment(stage: Stage, component: Component): Promise<Ended[]> {
  const { surge, unavailable } = stage.settings[component]
  if (surge === 0 && unavailable === 0) throw new Error(`${component} could never go on to another revision`)
  const endings: Promise<Ended>[] = []
  const end = (pod: Pod) => {
    leave(stage, component, pod)
    endings.push(pod.end().then((ending) => ({ name: pod.name, ...ending })))
  }
  for (const old of stage.of(component)) {
    if (unavailable > 0) end(old)
    await stage.start(component, old.node).ready()
    if (unavailable === 0) end(old)
  }
  return Promise.all(endings)
}

/** It counts for nothing any more. */
export function leave({ pods, of }: Pick<Stage, 'pods' | 'of'>, component: Component, pod: Pod): void {
  pods.set(
    component,
    of(component).filter((one) => one !== pod),
  )
}
