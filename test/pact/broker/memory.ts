type Publication = {
  pacticipantName: string
  pacticipantVersionNumber: string
  branch?: string
  contracts: { providerName: string; content: string }[]
}
type Selection = {
  consumerVersionSelectors?: { mainBranch?: boolean; deployedOrReleased?: boolean; matchingBranch?: boolean }[]
  includePendingStatus?: boolean
  includeWipPactsSince?: string
  providerVersionBranch?: string
}
type Contract = { number: number; consumer: string; version: string; branch: string; provider: string; content: string }
type Result = { providerApplicationVersion: string; success: boolean }
type Deployment = { name: string; version: string }

export type Memory = ReturnType<typeof memory>

const MAIN = 'main'

/** What a broker knows, and concludes: as much of it as the rehearsal of a release needs. */
export function memory() {
  const contracts: Contract[] = []
  const results: (Result & { contract: number })[] = []
  const deployments: Deployment[] = []
  const branches: { name: string; branch: string; version: string }[] = []
  const isDeployed = (name: string, version: string) =>
    deployments.some((one) => one.name === name && one.version === version)
  const wasKept = ({ consumer, provider }: Contract) =>
    results.some(({ contract, success }) => {
      const of = contracts[contract]
      return success && of?.consumer === consumer && of.provider === provider
    })
  const newest = (of: Contract[]) =>
    of.filter(({ consumer, provider, branch, number }) =>
      of.every((o) => o.consumer !== consumer || o.provider !== provider || o.branch !== branch || o.number <= number),
    )

  return {
    contracts,
    results,
    deployments,
    branches,
    publish({ pacticipantName, pacticipantVersionNumber, branch = '', contracts: given }: Publication): void {
      for (const { providerName, content } of given) {
        const of = { consumer: pacticipantName, version: pacticipantVersionNumber, branch, provider: providerName }
        contracts.push({ number: contracts.length, ...of, content })
      }
    },
    contract: (number: number) => contracts[number] as Contract,
    forVerification(provider: string, selection: Selection) {
      const {
        consumerVersionSelectors = [],
        includePendingStatus,
        includeWipPactsSince,
        providerVersionBranch,
      } = selection
      const isSelected = ({ consumer, version, branch }: Contract) =>
        consumerVersionSelectors.some(
          (one) =>
            (one.mainBranch && branch === MAIN) ||
            (one.deployedOrReleased && isDeployed(consumer, version)) ||
            (one.matchingBranch && branch === providerVersionBranch),
        )
      return newest(contracts.filter((one) => one.provider === provider)).flatMap((one) => {
        if (isSelected(one)) return [{ ...one, pending: includePendingStatus === true && !wasKept(one) }]
        return includeWipPactsSince === undefined ? [] : [{ ...one, pending: true }]
      })
    },
    verified(contract: number, result: Result): void {
      results.push({ ...result, contract })
    },
    onBranch: (one: (typeof branches)[number]) => void branches.push(one),
    deployed: (one: Deployment) => void deployments.push(one),
    /** Of the provider's `version`, with what is deployed or in main; of each the newest result. */
    matrix(name: string | null, version: string | null) {
      const relied = newest(contracts.filter(({ provider, branch }) => provider === name && branch === MAIN))
      const rows = relied.map((one) => {
        const result = results.findLast((r) => r.contract === one.number && r.providerApplicationVersion === version)
        return rowOf(one, version ?? '', result?.success ?? null)
      })
      const count = (of: boolean | null) =>
        rows.filter((row) => (row.verificationResult?.success ?? null) === of).length
      const [success, failed, unknown] = [count(true), count(false), count(null)]
      const deployable = failed === 0 && unknown === 0
      const reason = deployable ? 'All required results are there.' : `${failed} failed, ${unknown} are not known.`
      return {
        summary: { deployable, reason, success, failed, unknown },
        notices: [{ type: deployable ? 'success' : 'error', text: reason }],
        ...{ matrix: rows, _links: {} },
      }
    },
  }
}

const NOWHERE = { self: { href: '' } }
const AT = '2026-11-28T10:00:00Z'

function rowOf({ consumer, version, provider }: Contract, providerVersion: string, success: boolean | null) {
  const party = (name: string, number: string) => ({ name, version: { number, _links: NOWHERE }, _links: NOWHERE })
  return {
    ...{ consumer: party(consumer, version), provider: party(provider, providerVersion) },
    pact: { createdAt: AT, _links: NOWHERE },
    verificationResult: success === null ? null : { success, verifiedAt: AT, _links: NOWHERE },
  }
}

/** Published in base64; the broker names each interaction, so that results can be told of each. */
export function contentsOf({ number, content }: Contract): object {
  const { interactions, ...rest } = JSON.parse(Buffer.from(content, 'base64').toString())
  return {
    ...rest,
    interactions: interactions.map((one: object, index: number) => ({ _id: `${number}.${index}`, ...one })),
  }
}
