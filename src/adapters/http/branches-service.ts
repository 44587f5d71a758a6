import { z } from 'zod'
import { WEEKDAYS } from '../../domain/neighbours.ts'
import { type BranchesService, MAX_BRANCHES_A_CALL } from '../../ports/neighbours.ts'
import { AgreedText } from './agreed-text.ts'
import type { GuardedClient, ServiceDescription, ServiceLimits } from './guarded-client.ts'

/** Of another form no branch is known: it may be refused, and with it the whole call. Older programs write what they like. */
const BRANCH_ID = /^[A-Za-z0-9-]{1,16}$/
const MOST_OPENINGS = 7 * 4
const Time = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$|^24:00$/)

/** What is agreed on, and no more: what else an answer has is left out. */
const Branch = z.object({
  branchId: z.string().min(1),
  name: AgreedText,
  address: z.object({
    street: AgreedText,
    postalCode: AgreedText,
    city: AgreedText,
    countryCode: z.string().length(2),
  }),
  phone: AgreedText.nullable(),
  timeZone: AgreedText.min(1),
  openingHours: z.array(z.object({ day: z.enum(WEEKDAYS), opens: Time, closes: Time })).max(MOST_OPENINGS),
})
const calls = {
  /** Those that it knows, in any order. */
  branches: {
    method: 'GET',
    path: (branchIds: string[]) => `/branches?ids=${branchIds.join(',')}`,
    answer: z.object({ branches: z.array(Branch).max(MAX_BRANCHES_A_CALL) }),
    none: null,
    fits: (asked: string[], { branches }: { branches: { branchId: string }[] }) => {
      const ids = branches.map(({ branchId }) => branchId)
      return new Set(ids).size === ids.length && ids.every((id) => asked.includes(id))
    },
  },
} as const

export type BranchesClient = GuardedClient<typeof calls>

export function describeBranches(baseUrl: string | null, limits: ServiceLimits): ServiceDescription<typeof calls> {
  return { neighbour: 'branches-service', baseUrl, limits, calls }
}

/** Of a copy that was kept: undefined when it is no such thing. */
export function branchFrom(value: unknown, branchId: string) {
  const { data } = Branch.safeParse(value)
  return data?.branchId === branchId ? data : undefined
}

export function branchesService(client: Pick<BranchesClient, 'call'>): BranchesService {
  return {
    async branches(branchIds, caller) {
      const asked = branchIds.filter((branchId) => BRANCH_ID.test(branchId))
      const { branches } = asked.length === 0 ? { branches: [] } : await client.call('branches', asked, caller)
      const known = new Map(branches.map((branch) => [branch.branchId, branch]))
      return new Map(branchIds.map((branchId) => [branchId, known.get(branchId) ?? null]))
    },
  }
}
