import { setTimeout as wait } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'

const SWEEP_MS = 50

/**
 * Before a server that was told to stop hangs up, it goes on answering for `drainMs`, and says in each answer that this was
 * the last over its connection (`Connection: close`, RFC 9112 section 9.6): clients leave by themselves, and none has a
 * request under way in the moment in which its connection is closed. New ones are served as well, since whoever routes them here
 * learns of the stop a little later.
 */
export function drainWhileClosing(app: FastifyInstance, drainMs: number): void {
  app.addHook('preClose', async () => {
    if (!app.server.listening) return
    await wait(drainMs)
    // What is busy now becomes idle later; kept alive, it would hold the stop up until its timeout.
    const sweep = setInterval(() => app.server.closeIdleConnections(), SWEEP_MS)
    app.server.once('close', () => clearInterval(sweep))
  })
}
