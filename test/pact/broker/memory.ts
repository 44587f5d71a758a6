import { noVersion, rowOf, summaryOf } from './matrix.ts'

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
export type Contract = {
  number: number
  consumer: string
  version: string
  branch: string
  provider: string
  content: string
}
type Result = { providerApplicationVersion: string; success: boolean }
type Version = { name: string; version: string }
/** `version` of `name`, before it is deployed; whoever is in `ignored` is left out. */
type Question = Version & { ignored: string[] }

export type Memory = ReturnType<typeof memory>

const MAIN = 'main'

/** What a broker knows, and concludes by the rules of a real one: as much of it as the rehearsal of a release needs. */
export function memory() {
  const contracts: Contract[] = []
  const results: (Result & { contract: number })[] = []
  const deployments: Version[] = []
  /** `results`: how many there were when it came. */
  const branches: (Version & { branch: string; results: number })[] = []

  const deployedOf = (name: string) => deployments.findLast((one) => one.name === name)?.version
  const isDeployed = ({ consumer, version }: Contract) => deployedOf(consumer) === version
  /** Results are of what a contract says, whichever version of its consumer says it. */
  const resultsOf = (contract: Contract) =>
    results
      .map((one, index) => ({ ...one, index }))
      .filter((one) => isSame(contracts[one.contract] as Contract, contract))
  /**
   * What was kept once on this branch of the provider's, or on another before this one began: whatever does not keep it has
   * changed it (https://docs.pact.io/pending).
   */
  const wasKept = (contract: Contract, branch: string | undefined) => {
    const begun = branches.find((one) => one.name === contract.provider && one.branch === branch)?.results
    const isOf = (version: string) =>
      branches.some((one) => one.name === contract.provider && one.version === version && one.branch === branch)
    return resultsOf(contract).some(
      ({ success, index, providerApplicationVersion }) =>
        success && (isOf(providerApplicationVersion) || index < (begun ?? Number.POSITIVE_INFINITY)),
    )
  }
  /** Published, or verified, or at least told of: nobody else can be deployed. */
  const exists = ({ name, version }: Version) =>
    contracts.some((one) => one.consumer === name && one.version === version) ||
    branches.some((one) => one.name === name && one.version === version) ||
    results.some((one) => contracts[one.contract]?.provider === name && one.providerApplicationVersion === version)
  const heads = (of: Contract[]) =>
    of.filter(({ consumer, branch, number }) =>
      of.every((o) => o.consumer !== consumer || o.branch !== branch || o.number <= number),
    )

  return {
    contracts,
    results,
    deployments,
    branches,
    exists,
    /** Whoever has published, is published of, or has a version. */
    knows: (name: string) =>
      contracts.some(({ consumer, provider }) => consumer === name || provider === name) ||
      branches.some((one) => one.name === name),
    publish({ pacticipantName, pacticipantVersionNumber, branch = '', contracts: given }: Publication): void {
      for (const { providerName, content } of given) {
        const of = { consumer: pacticipantName, version: pacticipantVersionNumber, branch, provider: providerName }
        contracts.push({ number: contracts.length, ...of, content })
      }
    },
    contract: (number: number) => contracts[number] as Contract,
    forVerification(provider: string, selection: Selection) {
      const { consumerVersionSelectors: selectors = [], providerVersionBranch: branch } = selection
      const theirs = contracts.filter((one) => one.provider === provider)
      const latest = heads(theirs)
      const selected = theirs.filter((one) =>
        selectors.some(
          ({ mainBranch, deployedOrReleased, matchingBranch }) =>
            (mainBranch && one.branch === MAIN && latest.includes(one)) ||
            (deployedOrReleased && isDeployed(one)) ||
            (matchingBranch && one.branch === branch && latest.includes(one)),
        ),
      )
      const isPending = (one: Contract) => !wasKept(one, branch)
      const wip =
        selection.includeWipPactsSince === undefined
          ? []
          : latest.filter((one) => isPending(one) && !selected.some((other) => isSame(one, other)))
      return [
        ...once(selected).map((one) => ({
          ...one,
          pending: selection.includePendingStatus === true && isPending(one),
        })),
        ...once(wip).map((one) => ({ ...one, pending: true })),
      ]
    },
    verified(contract: number, result: Result): void {
      results.push({ ...result, contract })
    },
    onBranch: (one: Version & { branch: string }) => void branches.push({ ...one, results: results.length }),
    deployed: (one: Version) => void deployments.push(one),
    /**
     * Of what is deployed, whoever relies on `name` must be kept by this version; and this version's own contracts by
     * whoever is deployed, which nobody knows of those who are not. A version that there is not may not be deployed at all.
     */
    matrix({ name, version, ignored }: Question) {
      if (!exists({ name, version })) return { ...noVersion({ name, version }), matrix: [], _links: {} }
      const relying = contracts.filter((one) => one.provider === name && isDeployed(one))
      const reliedOn = contracts.filter((one) => one.consumer === name && one.version === version)
      const rows = [
        ...relying.map((one) => [one, version] as const),
        ...reliedOn.map((one) => [one, deployedOf(one.provider)] as const),
      ]
        .filter(([{ consumer, provider }]) => !ignored.includes(consumer) && !ignored.includes(provider))
        .map(([one, by]) =>
          rowOf(one, by, resultsOf(one).findLast((r) => r.providerApplicationVersion === by)?.success ?? null),
        )
      return { ...summaryOf(rows), matrix: rows, _links: {} }
    },
  }
}

function isSame(one: Contract, other: Contract): boolean {
  return one.consumer === other.consumer && one.provider === other.provider && said(one) === said(other)
}

/** What of it is verified: not by which library it was written. */
function said({ content }: Contract): string {
  return JSON.stringify(JSON.parse(Buffer.from(content, 'base64').toString()).interactions)
}

/** Of those who say the same the newest. */
function once(of: Contract[]): Contract[] {
  return of.filter((one) => of.every((other) => !isSame(one, other) || other.number <= one.number))
}

/** Published in base64; the broker names each interaction, so that results can be told of each. */
export function contentsOf({ number, content }: Contract): object {
  const { interactions, ...rest } = JSON.parse(Buffer.from(content, 'base64').toString())
  return {
    ...rest,
    interactions: interactions.map((one: object, index: number) => ({ _id: `${number}.${index}`, ...one })),
  }
}
