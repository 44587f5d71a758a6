import { once } from 'node:events'
import { createServer } from 'node:net'
import { PlainError } from './plain-error.ts'

type Address = { host: string; port: number }
type App = { listen(address: Address): Promise<string> }
/** What the names of the variables begin with that say where: HOST and PORT, or METRICS_HOST and METRICS_PORT. */
type Variables = '' | 'METRICS_'

/** Refuses an address that is taken before anything else is started, which would only have to be ended again. */
export async function checkAddress(address: Address, variables: Variables = ''): Promise<void> {
  const server = createServer()
  await refusing(address, variables, async () => {
    server.listen(address)
    await once(server, 'listening')
  })
  server.close()
  await once(server, 'close')
}

/** Answers the URL. */
export async function listenOn(app: App, { host, port }: Address, variables: Variables = ''): Promise<string> {
  return refusing({ host, port }, variables, () => app.listen({ host, port }))
}

async function refusing<Result>(
  { host, port }: Address,
  variables: Variables,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    const why = reasons(variables)[(error as { code?: string }).code ?? '']
    if (why === undefined) throw error
    throw new PlainError(`Cannot listen on ${host}, port ${port}: ${why}.`)
  }
}

const reasons = (variables: Variables): Record<string, string> => ({
  EADDRINUSE: `another program does; end it, or set ${variables}PORT`,
  EADDRNOTAVAIL: `this machine has no such address; set ${variables}HOST`,
  ENOTFOUND: `this machine has no such address; set ${variables}HOST`,
  EACCES: `that is not allowed; set ${variables}PORT to one above 1023`,
})
