import type { Cast } from './cast.ts'
import { KEYS } from './cast.ts'
import type { Judge } from './judge.ts'
import type { World } from './process.ts'
import type { Trouble } from './program.ts'

/** Something goes wrong, at one moment. `forgetVersions`: entries may be older from here on, or gone. */
export async function makeTrouble(
  world: World,
  cast: Cast,
  judge: Judge,
  forgetVersions: () => void,
  trouble: Trouble,
) {
  const { server, database } = world
  switch (trouble.do) {
    case 'flush':
      forgetVersions()
      return server.flush()
    case 'failOver':
      forgetVersions()
      await server.failOver(trouble.lost)
      // Each finds out by itself that its connection is gone.
      for (const { name, redis } of cast.everybody()) world.schedule.add(name, 'notices the failover', redis.drop)
      return
    case 'drop':
      return cast.any(trouble.process).redis.drop()
    case 'mute':
      return cast.any(trouble.process).near.mute()
    case 'kill':
      return cast.kill(cast.any(trouble.process))
    case 'claimsEnd':
      for (const { holder } of database.rows()) if (holder !== null) database.release(holder)
      return
    case 'timePasses':
      world.database.time.nowMs += trouble.ms
      for (const { near } of cast.apis) near.floors.raiseAll()
      return
    case 'evict': {
      judge.unindexed.add(trouble.user)
      await server.write('DEL', KEYS.user(trouble.user))
      return
    }
    case 'leaseEnds':
      await server.write('DEL', KEYS.of(trouble.user).lease(trouble.user))
      return
    case 'ghostEnds':
      if (Number(await server.read('PTTL', KEYS.user(trouble.user))) > 0)
        await server.write('DEL', KEYS.user(trouble.user))
      return
  }
}
