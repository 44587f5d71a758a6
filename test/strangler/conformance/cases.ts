import { dice, mulberry32 } from '../../../src/jobs/seed/random.ts'
import type { Case } from './case.ts'
import { answerBodyCases, answerHeaderCases, headCases, rangeCases, statusCases } from './cases-answers.ts'
import { continueCases, interimCases, manyOnOne, oldClientCases, upgradeCases } from './cases-connections.ts'
import { methodCases, requestBodyCases, requestHeaderCases, targetCases } from './cases-requests.ts'

/** The whole table; what is made up in it is the same for the same seed. */
export function allCases(seed: number): Case[] {
  const chance = dice(mulberry32(seed))
  return [
    ...methodCases(),
    ...targetCases(),
    ...requestHeaderCases(chance),
    ...requestBodyCases(chance),
    ...statusCases(),
    ...answerHeaderCases(chance),
    ...answerBodyCases(chance),
    ...headCases(),
    ...rangeCases(),
    ...manyOnOne('keep-alive', chance),
    ...manyOnOne('pipelining', chance),
    ...oldClientCases(),
    ...continueCases(),
    ...interimCases(),
    ...upgradeCases(),
  ]
}
