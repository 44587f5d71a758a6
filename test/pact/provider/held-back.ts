import type { ServerResponse } from 'node:http'

/** An answer of JSON goes when it is whole, and if it may; else its connection ends. All others go as they are. */
export function heldBack(response: ServerResponse, mayGo: (body: string) => boolean): void {
  const chunks: Buffer[] = []
  const end = response.end.bind(response)
  response.write = (chunk: Buffer) => chunks.push(chunk) > 0
  response.end = ((chunk?: Buffer) => {
    if (chunk) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    const isJson = /^application\/(?:[a-z]+\+)?json\b/.test(String(response.getHeader('content-type')))
    if (!isJson || mayGo(body.toString())) return end(body)
    response.destroy()
    return response
  }) as typeof end
}
