import { Command } from 'commander'
import { buildApp } from '../app.ts'
import { type Config, readConfig } from '../config.ts'
import { requireIssuer } from '../config-auth.ts'
import type { Tracing } from '../ports/tracing.ts'
import { wireApi } from '../wiring.ts'
import { createServiceLog } from '../wiring-log.ts'
import { withMadeUpNeighbours } from '../wiring-neighbours.ts'
import { wholeNumber } from './arguments.ts'
import { startBundledRedis } from './bundled-redis.ts'
import { checkAddress, listenOn } from './listening.ts'
import { checkMetricsAddress, serveMetrics } from './metrics.ts'
import { lazyProgressBar } from './progress.ts'
import { seedDemo } from './seed-command.ts'
import { lockFolder } from './single.ts'
import { stopWhenTold } from './stopping.ts'
import { tokenForTour } from './token.ts'
import { tour } from './tour.ts'
import { startWorkersThread, type WorkersThread } from './workers-thread.ts'

export function allCommand(tracing: Tracing | null): Command {
  return new Command('all')
    .description(
      'Run everything in one process: API, workers, an embedded database, and a Redis unless REDIS_URL names one',
    )
    .option('--seed-users <number>', 'first fill an empty database with this many made-up users', wholeNumber)
    .action(async ({ seedUsers }: { seedUsers?: number }) => {
      const config = readConfig()
      requireIssuer(config)
      // What is started is ended in the opposite order, also when something after it does not start.
      const started = new AsyncDisposableStack()
      if (tracing) started.defer(tracing.stop)
      try {
        started.defer(await lockFolder(config.dataDir))
        await checkAddress(config.http)
        await checkMetricsAddress(config)
        const filled = seedUsers !== undefined && config.database === null && (await seedDemo(config, seedUsers))
        await run(config, { firstTime: filled, started, tracing })
      } catch (error) {
        await started.disposeAsync()
        throw error
      }
    })
}

type Log = ReturnType<typeof createServiceLog>
type RunOptions = { firstTime: boolean; started: AsyncDisposableStack; tracing: Tracing | null }

async function run(given: Config, { firstTime, started, tracing }: RunOptions): Promise<void> {
  const log = createServiceLog(given)
  const stopping = stopWhenTold({ log, graceMs: given.shutdownGraceMs }, () => started.disposeAsync())
  const config = await withWhatIsMissing(given, log, started)
  const api = await wireApi(config, log, { tracing })
  started.defer(api.close)
  const workers = startWorkersThread(config)
  started.defer(workers.stop)
  started.defer(await serveMetrics(config, api.metrics, log, workers.metrics))
  workers.onFailure((error) => stopping.fail(error, 'the workers failed; stopping, so that nothing stale is served'))
  const app = await buildApp({ ...api, http: config.http, log })
  started.defer(() => app.close())
  const built = !firstTime || (await showBuild(workers))
  // Told to stop meanwhile, or failed: whoever stops ends the process.
  if (!built || stopping.begun()) return
  const address = await listenOn(app, config.http)
  process.stdout.write(tour(address, config.auth.issuer === null ? await tokenForTour(config) : null))
}

/** A Redis, and where the users are made up, made-up neighbours: each in place of what nobody has named. */
async function withWhatIsMissing(given: Config, log: Log, started: AsyncDisposableStack): Promise<Config> {
  const config = { ...given }
  if (given.redis.url === null) {
    const redis = await startBundledRedis(given, log)
    started.defer(redis.stop)
    config.redis = { ...given.redis, url: redis.url }
  }
  if (given.database === null) {
    const { neighbours, close } = await withMadeUpNeighbours(given)
    started.defer(close)
    config.neighbours = neighbours
  }
  return config
}

/** The first build is waited for, and shown. A later one goes on beside the serving: reads come from the database. */
async function showBuild(workers: WorkersThread): Promise<boolean> {
  const bar = lazyProgressBar('projecting users')
  const built = await workers.built(bar.update)
  if (built) bar.stop()
  else bar.abandon()
  return built
}
