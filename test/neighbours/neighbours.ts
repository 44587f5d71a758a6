import type { Branch, Employment } from '../../src/domain/neighbours.ts'
import { type FaultServer, startFaultServer } from '../support/fault-server.ts'

/** Branches with this beginning are unknown to branches-service, employee numbers to people-service. */
export const UNKNOWN = 'X'

export const branchOf = (branchId: string): Branch => ({
  branchId,
  name: `Branch ${branchId}`,
  address: { street: 'Long Street 1', postalCode: '00-001', city: 'Warszawa', countryCode: 'PL' },
  phone: null,
  timeZone: 'Europe/Warsaw',
  openingHours: [{ day: 'monday', opens: '09:00', closes: '21:00' }],
})
export const employmentOf = (employeeNumber: string): Employment => ({
  employeeNumber,
  department: 'Sales',
  manager: { employeeNumber: 'E-9', name: 'Nina Nowak' },
  startDate: '2021-03-01',
  leave: { from: '2026-12-01', until: null },
})

/** branches-service and people-service, each on loopback and at fault as it is told. */
export type Neighbours = { branches: FaultServer; people: FaultServer; close(): Promise<void> }

export async function startNeighbours(): Promise<Neighbours> {
  const branches = await startFaultServer(({ path }) => {
    const ids = new URL(path, 'http://branches').searchParams.get('ids')?.split(',') ?? []
    return { status: 200, body: { branches: ids.filter((id) => !id.startsWith(UNKNOWN)).map(branchOf) } }
  })
  const people = await startFaultServer(({ path }) => {
    const number = decodeURIComponent(path.slice(path.lastIndexOf('/') + 1))
    if (!number.startsWith(UNKNOWN)) return { status: 200, body: employmentOf(number) }
    return { status: 404, body: { code: 'employment-not-found' } }
  })
  return {
    branches,
    people,
    close: async () => {
      await Promise.all([branches.close(), people.close()])
    },
  }
}
