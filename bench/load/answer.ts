/** One HTTP answer; bytes as latin1 text, so that nothing is decoded and each byte is one character. */
export type Answer = { status: number; head: string; lowerHead: string; body: string }

const HEAD_END = '\r\n\r\n'
/** No answer that is asked for here is longer; more would be kept for nothing. */
const MAX_ANSWER_BYTES = 1_048_576
const STATUS_AT = 'HTTP/1.1 '.length

/**
 * Takes what a connection delivers, in whatever pieces, and hands on whole answers. One question at a time is asked, so
 * bytes after an answer are an error. Throws on what this small reader does not know: chunked or overlong answers.
 */
export function answerReader(onAnswer: (answer: Answer) => void): (chunk: Buffer) => void {
  let held: Buffer | null = null
  return (chunk) => {
    const bytes: Buffer = held === null ? chunk : Buffer.concat([held, chunk])
    const answer = wholeAnswer(bytes)
    if (answer === null && bytes.length > MAX_ANSWER_BYTES) throw new Error('an answer is longer than 1 MiB')
    held = answer === null ? bytes : null
    if (answer !== null) onAnswer(answer)
  }
}

function wholeAnswer(bytes: Buffer): Answer | null {
  const headEnd = bytes.indexOf(HEAD_END)
  if (headEnd === -1) return null
  const head = bytes.toString('latin1', 0, headEnd)
  const lowerHead = head.toLowerCase()
  const status = Number(head.slice(STATUS_AT, STATUS_AT + 3))
  const bodyStart = headEnd + HEAD_END.length
  const bodyEnd = bodyStart + bodyLength(status, lowerHead)
  if (bytes.length < bodyEnd) return null
  if (bytes.length > bodyEnd) throw new Error('bytes after the end of the answer')
  return { status, head, lowerHead, body: bytes.toString('latin1', bodyStart, bodyEnd) }
}

function bodyLength(status: number, lowerHead: string): number {
  // RFC 9110: a 304 has no body, whatever content-length it carries.
  if (status === 304 || status === 204) return 0
  const length = Number(valueIn(lowerHead, lowerHead, 'content-length') ?? Number.NaN)
  if (!Number.isSafeInteger(length)) throw new Error(`an answer without content-length: ${lowerHead}`)
  return length
}

/** A header's value as it was sent; `name` in lower case. Null when it is not there. */
export function header(answer: Answer, name: string): string | null {
  return valueIn(answer.head, answer.lowerHead, name)
}

function valueIn(head: string, lowerHead: string, name: string): string | null {
  const found = lowerHead.indexOf(`\r\n${name}: `)
  if (found === -1) return null
  const from = found + name.length + 4
  const end = head.indexOf('\r\n', from)
  return head.slice(from, end === -1 ? undefined : end)
}

/** The body as the UTF-8 text that it is. */
export function textOf({ body }: Pick<Answer, 'body'>): string {
  return Buffer.from(body, 'latin1').toString('utf8')
}
