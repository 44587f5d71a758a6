import { connect } from 'node:net'

const ANSWER_LIMIT_MS = 500

/**
 * Asks a Redis on 127.0.0.1 one question on a connection of its own, where a client with retries and queues would only
 * be in the way. Answers what came back, as Redis wrote it; undefined when nothing did within half a second.
 */
export async function ask(port: number, question: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect({ port, host: '127.0.0.1' })
    socket.setEncoding('utf8').setTimeout(ANSWER_LIMIT_MS, () => socket.destroy())
    // QUIT makes the server close the connection after the answer, so that its end need not be parsed.
    socket.on('connect', () => socket.write(`${question}\r\nQUIT\r\n`))
    socket.on('data', (part) => {
      answer += part
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(answer === '' ? undefined : answer))
  })
}
