import { subscribe } from 'node:diagnostics_channel'
import { openSync } from 'node:fs'

// A fault, planted into the API processes: something of each request is kept for ever.
const BYTES = 16_384
const REQUESTS_A_HANDLE = 50
const kept: Buffer[] = []
let requests = 0
subscribe('http.server.request.start', () => {
  requests += 1
  if (process.env.REHEARSAL_LEAK === 'memory') kept.push(Buffer.alloc(BYTES, requests))
  if (process.env.REHEARSAL_LEAK === 'handles' && requests % REQUESTS_A_HANDLE === 0) openSync('/dev/null', 'r')
})
