import type { IncomingMessage, InformationEvent, ServerResponse } from 'node:http'
import { interimHead } from './answer-head.ts'
import { MAX_INTERIM } from './limits.ts'

/**
 * Answers before the answer (RFC 9110 section 15.2). Nobody needs them, and nothing slows down whoever sends them: what a
 * client does not take, or what are too many, would pile up here, and is dropped. `isWaiting`: the client wants to be told
 * to go on.
 */
export function interimAnswers(request: IncomingMessage, response: ServerResponse, isWaiting: boolean) {
  const state = { isWaiting, passed: 0 }
  const isHeldUp = () => request.socket.writableNeedDrain || response.writableNeedDrain
  return {
    isWaiting: () => state.isWaiting,
    /** It sends its body, whether it was told so or not. */
    hasGoneOn(): void {
      state.isWaiting = false
    },
    continue(): void {
      if (!state.isWaiting) return
      state.isWaiting = false
      response.writeContinue()
    },
    information({ statusCode, rawHeaders }: Pick<InformationEvent, 'statusCode' | 'rawHeaders'>): void {
      if (statusCode === 100 || response.headersSent || state.passed >= MAX_INTERIM || isHeldUp()) return
      state.passed += 1
      response.writeInformation(statusCode, interimHead(rawHeaders))
    },
  }
}
