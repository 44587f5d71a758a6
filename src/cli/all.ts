import { Command } from 'commander'
import { buildApp } from '../app.ts'
import { type Config, readConfig } from '../config.ts'
import { createServiceLog, wireApi } from '../wiring.ts'
import { wholeNumber } from './arguments.ts'
import { startBundledRedis } from './bundled-redis.ts'
import { type ProgressBar, progressBar } from './progress.ts'
import { seedDemo } from './seed-command.ts'
import { lockFolder } from './single.ts'
import { untilToldToStop } from './stopping.ts'
import { tour } from './tour.ts'
import { type ProjectThread, startProjectThread } from './worker-thread.ts'

export function allCommand(): Command {
  return new Command('all')
    .description(
      'Run everything in one process: API, workers, an embedded database, and a Redis unless REDIS_URL names one',
    )
    .option('--seed-users <number>', 'first fill an empty database with this many made-up users', wholeNumber)
    .action(async ({ seedUsers }: { seedUsers?: number }) => {
      const config = readConfig()
      const unlock = await lockFolder(config.dataDir)
      try {
        const filled = seedUsers !== undefined && (await seedDemo(config, seedUsers))
        await run(config, { firstTime: filled, unlock })
      } catch (error) {
        await unlock()
        throw error
      }
    })
}

type RunOptions = { firstTime: boolean; unlock(): Promise<void> }

async function run(given: Config, { firstTime, unlock }: RunOptions): Promise<void> {
  const log = createServiceLog(given)
  const redis = given.redis.url === null ? await startBundledRedis(given) : null
  const config = redis ? { ...given, redis: { ...given.redis, url: redis.url } } : given
  const api = await wireApi(config, log).catch(async (error) => {
    await redis?.stop()
    throw error
  })
  const worker = startProjectThread(config)
  const app = await buildApp({ ...api, http: config.http, log })
  const close = async () => {
    await app.close()
    await worker.stop()
    await api.close()
    await redis?.stop()
    await unlock()
  }
  worker.onFailure((error) => {
    log.error({ err: error }, 'the worker failed; stopping, so that nothing stale is served')
    process.exitCode = 1
    close().finally(() => process.exit(1))
  })
  const stopped = untilToldToStop({ log, graceMs: config.shutdownGraceMs }, close)
  if (firstTime) await showBuild(worker)
  const address = await app.listen({ host: config.http.host, port: config.http.port })
  process.stdout.write(tour(address))
  await stopped
}

/** The first build is waited for, and shown. A later one goes on beside the serving: reads come from the database. */
async function showBuild(worker: ProjectThread): Promise<void> {
  let bar: ProgressBar | undefined
  await worker.built((done, total) => {
    bar ??= progressBar('projecting users', total)
    bar.update(done)
  })
  bar?.stop()
}
