import { once } from 'node:events'
import { createServer } from 'node:net'
import { PlainError } from './plain-error.ts'

type Address = { host: string; port: number }
type App = { listen(address: Address): Promise<string> }

/** Refuses an address that is taken before anything else is started, which would only have to be ended again. */
export async function checkAddress(address: Address): Promise<void> {
  const server = createServer()
  await refusing(address, async () => {
    server.listen(address)
    await once(server, 'listening')
  })
  server.close()
  await once(server, 'close')
}

/** Answers the URL. */
export async function listenOn(app: App, { host, port }: Address): Promise<string> {
  return refusing({ host, port }, () => app.listen({ host, port }))
}

async function refusing<Result>({ host, port }: Address, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    const why = REASONS[(error as { code?: string }).code ?? '']
    if (why === undefined) throw error
    throw new PlainError(`Cannot listen on ${host}, port ${port}: ${why}.`)
  }
}

const REASONS: Record<string, string> = {
  EADDRINUSE: 'another program does; end it, or set PORT',
  EADDRNOTAVAIL: 'this machine has no such address; set HOST',
  ENOTFOUND: 'this machine has no such address; set HOST',
  EACCES: 'that is not allowed; set PORT to one above 1023',
}
