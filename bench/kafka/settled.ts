import { PARTITIONS, type Rig, type Side, startWorkers, stopAll } from './rig.ts'
import { areWorking, haveJoined, mustRun, until, type Worker } from './waiting.ts'

const READY_LIMIT_MS = 60_000
const SETTLED_LIMIT_MS = 60_000

/** While `work` goes on, this side's changes are followed, by one projector. */
export async function withWorkers<Result>(
  rig: Rig,
  side: Side,
  work: (workers: Worker[]) => Promise<Result>,
): Promise<Result> {
  rig.stage.say(`${side.name}: starting the workers`)
  const workers = startWorkers(side, 1)
  await untilReady(rig, side, workers)
  const result = await work(workers).catch((error) => {
    mustRun(rig.stage, workers, error)
    throw error
  })
  await stopAll(workers)
  return result
}

/** They run, have what they share, and nothing is left of before. */
async function untilReady(rig: Rig, side: Side, workers: Worker[]): Promise<void> {
  const { stage } = rig
  await until(`${side.name}: the workers work`, READY_LIMIT_MS, stage, workers, () => areWorking(stage, workers))
  if (side.name === 'kafka') {
    // Of those on this side all but the relay.
    const projectors = workers.filter(({ name }) => name.includes('project'))
    const joined = () => haveJoined(stage, projectors, PARTITIONS)
    await until('the projectors have joined', READY_LIMIT_MS, stage, workers, joined)
  }
  await settled(rig, side, workers)
}

/** Everything that had been written before is handled. */
export async function settled({ stage, topic }: Rig, side: Side, workers: Worker[]): Promise<void> {
  const isEmpty = () => side.oldest() === null
  await until(`${side.name}: the outbox is empty`, SETTLED_LIMIT_MS, stage, workers, isEmpty)
  if (side.name === 'direct') return
  // Rows go only when their messages are there: what is there now has all of them.
  const ends = await topic.ends(PARTITIONS)
  const isDone = async () => (await topic.left(ends)) === 0
  await until('nothing waits in the topic', SETTLED_LIMIT_MS, stage, workers, isDone)
}
