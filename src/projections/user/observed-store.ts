import type { ReadModelObserver, ReadModelWrite } from '../../ports/metrics.ts'
import { OtherIncarnationError, type UserReadModel } from './store.ts'

/** The users' entries, with what becomes of writes to them told. */
export function observedReadModel(users: UserReadModel, { wrote }: ReadModelObserver): UserReadModel {
  const told = async <Answer>(what: ReadModelWrite, work: Promise<Answer>, outcomeOf: (answer: Answer) => Outcome) => {
    try {
      const answer = await work
      wrote(what, outcomeOf(answer) as never)
      return answer
    } catch (error) {
      wrote(what, (error instanceof OtherIncarnationError && what !== 'fence' ? 'incarnation' : 'failed') as never)
      throw error
    }
  }
  return {
    ...users,
    lease: (userId, incarnation, atLeast) =>
      told('lease', users.lease(userId, incarnation, atLeast), (answer) => {
        if (answer === 'taken') return 'taken'
        return 'lease' in answer ? 'granted' : 'stored'
      }),
    apply(user, incarnation, lease = null) {
      const work = users.apply(user, incarnation, lease)
      if (lease !== null) return told('fill', work, (applied) => (applied ? 'applied' : 'refused'))
      return told(user.terms === null ? 'bury' : 'apply', work, (applied) => (applied ? 'applied' : 'older'))
    },
    ghost: (userId, incarnation, lease) =>
      told('ghost', users.ghost(userId, incarnation, lease), (applied) => (applied ? 'applied' : 'refused')),
    fence: (userId, version) => told('fence', users.fence(userId, version), (fenced) => (fenced ? 'applied' : 'older')),
  }
}

type Outcome = 'applied' | 'older' | 'refused' | 'granted' | 'taken' | 'stored'
