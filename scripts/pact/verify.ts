// `npm run pact:verify`, or `npm run pact:verify -- --publish`
import { Command } from 'commander'
import { answerOf, branch, broker, program, SERVICE, Unset, version } from './broker.ts'

const DAY_MS = 86_400_000
/** Contracts of branches that are older, and that nobody of us has ever kept, are nobody's work in progress any more. */
const WIP_DAYS = 30
const DATE = /^\d{4}-\d\d-\d\d$/

const command = new Command('pact:verify')
  .description('Verifies what others consume of us, as the broker knows it, against the real service.')
  .option('--publish', 'tell the broker the result')

await program<{ publish?: true }>(command, async ({ publish = false }) => {
  const { url, token } = broker()
  const from = {
    pactBrokerUrl: url,
    pactBrokerToken: token,
    providerVersion: version(),
    providerVersionBranch: branch(),
  }
  const includeWipPactsSince = wipSince()
  // The verifier takes any 404 for "no contracts", which is no failure: also that of a broker that is none.
  const known = answerOf({ url, token }, ['describe-pacticipant', '--name', SERVICE])
  if ('failure' in known) {
    process.stderr.write(
      `The broker does not know ${SERVICE}, or does not say so, and nothing is verified: ${known.failure}\n`,
    )
    return 1
  }
  // Not before all of that is known: the whole service comes with it.
  const { startProvider, verify } = await import('../../test/pact/provider/verifying.ts')
  const provider = await startProvider()
  try {
    const lacking = await verify(provider.service, {
      ...from,
      ...{ providerBaseUrl: provider.url, publishVerificationResult: publish },
      // What is in production or in a main branch, and what a branch of the same name needs of this one.
      consumerVersionSelectors: [{ mainBranch: true }, { deployedOrReleased: true }, { matchingBranch: true }],
      // What has never been kept yet is told, and fails nobody's build.
      ...{ enablePending: true, includeWipPactsSince },
    })
    for (const state of lacking) process.stderr.write(`pending: ${state}\n`)
    return 0
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`)
    return 1
  } finally {
    await provider.service.close()
  }
})

function wipSince(): string {
  const given = process.env.PACT_WIP_SINCE || new Date(Date.now() - WIP_DAYS * DAY_MS).toISOString().slice(0, 10)
  if (!DATE.test(given)) throw new Unset('PACT_WIP_SINCE is no date: YYYY-MM-DD.')
  return given
}
